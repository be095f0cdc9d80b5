import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import type { Finding } from './step.ts';

/**
 * The finding of a check that failed with `error`: `unknown` or `blocked`. Call from the catch block of a check.
 *
 * @param isBlocking whether an error names a problem to fix, rather than a failed read. Default: never
 * @throws `error` when it is not a RecoveryError; the reason of `signal` when aborted
 */
export function toErrorFinding(
  error: unknown,
  signal: AbortSignal,
  isBlocking: (error: RecoveryError) => boolean = () => false,
): Finding & { readonly changes: readonly never[] } {
  signal.throwIfAborted();
  if (!isRecoveryError(error)) throw error;
  const { code, message, subject, hint } = error;
  const status = isBlocking(error) ? 'blocked' : 'unknown';
  return { status, summary: message, evidence: [], code, subject, hint, changes: [] };
}
