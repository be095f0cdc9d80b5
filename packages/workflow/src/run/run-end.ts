import { describeError, isRecoveryError, redact } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { RunOutcome } from '../journal/journal-record.ts';
import type { RunDirectory } from '../journal/run-directory.ts';

/**
 * Records how a run ended. A journal that cannot be written must not hide the state of the cluster, so a failure
 * is returned instead of thrown; the run then counts as interrupted, and can be resumed or rolled back.
 */
export async function recordEnd(
  run: RunDirectory,
  outcome: RunOutcome,
  clock: Clock,
  why?: string,
): Promise<string | undefined> {
  try {
    await run.releaseReserve();
    const reason = why === undefined ? undefined : redact(why);
    await run.append({ type: 'end', outcome, at: clock.now().toISOString(), reason });
    return undefined;
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return describeError(error);
  }
}
