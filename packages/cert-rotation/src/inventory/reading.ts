import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';

/** What became of reading one thing. A thing that cannot be read is a result here, because the others still can. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
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
