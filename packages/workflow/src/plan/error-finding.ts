import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import type { Finding } from './step.ts';

/**
 * What a check says of an error that came in its way: that it does not know, and why. To be called where the check catches.
 *
 * @param isBlocking tells errors that say that something is wrong from those that only keep it from being seen. Default: none
 * @throws `error` where it is not an expected one; the reason of `signal` where that was aborted
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
