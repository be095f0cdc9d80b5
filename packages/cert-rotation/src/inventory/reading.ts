import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import { type GoFault, straightenPem } from '@kube-rescue/x509';

/** The value that was read, or the error: one damaged file must not hide the others. */
export type Reading<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Why Go cannot read the file although its content is whole: blanks or line ends of PEM. */
      readonly fault?: RecoveryError;
      /** What Go refuses about its content. */
      readonly goFault?: GoFault | undefined;
    }
  | { readonly ok: false; readonly error: RecoveryError };

/** Runs `read`; an expected failure becomes a result, a bug still throws. */
export async function attempt<T>(read: () => T | Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (isRecoveryError(error)) return { ok: false, error };
    throw error;
  }
}

/**
 * Parses a PEM text; when only blanks or line ends keep Go from reading it, the straightened text, with the `fault`.
 *
 * @param parse throws for PEM that Go cannot read
 * @param judge finds what Go refuses about the content
 */
export async function attemptPem<T>(
  read: () => Promise<string>,
  parse: (text: string) => T,
  judge: (text: string) => GoFault | undefined,
): Promise<Reading<T>> {
  const text = await attempt(read);
  if (!text.ok) return text;
  const strict = await attempt(() => parse(text.value));
  const straight = strict.ok ? undefined : straightenPem(text.value);
  if (strict.ok) return { ...strict, goFault: judge(text.value) };
  if (straight === undefined) return strict;
  const loose = await attempt(() => parse(straight));
  return loose.ok ? { ...loose, fault: strict.error, goFault: judge(straight) } : strict;
}
