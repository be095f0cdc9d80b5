import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';

/** The value that was read, or the error: one damaged file must not hide the others. */
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
