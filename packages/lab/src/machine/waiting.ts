import { type LabDeps, secondsSince } from './lab-deps.ts';
import { LabError } from '../errors.ts';

/** The result of one check: the value, or the reason why it is not available yet. */
export type WaitStatus<T> = { readonly value: T } | { readonly waitingFor: string };

export interface Wait<T> {
  /** The subject of the error. */
  readonly subject: string;
  readonly deadlineMs: number;
  /** Default: 200 ms. */
  readonly intervalMs?: number | undefined;
  check(): Promise<WaitStatus<T>>;
}

const DEFAULT_INTERVAL_MS = 200;

/**
 * Repeats a check until it returns a value.
 *
 * @throws LabError `LAB_DEADLINE_PASSED` with the reason of the last check
 */
export async function waitFor<T>({ clock, signal }: Pick<LabDeps, 'clock' | 'signal'>, wait: Wait<T>): Promise<T> {
  const startedAt = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    const status = await wait.check();
    if ('value' in status) return status.value;
    if (clock.now().getTime() - startedAt.getTime() >= wait.deadlineMs) {
      throw new LabError({
        code: 'LAB_DEADLINE_PASSED',
        message: `timed out after ${secondsSince(clock, startedAt)} s: ${status.waitingFor}`,
        subject: wait.subject,
        hint: 'try again when the machine is less busy',
      });
    }
    await clock.sleep(wait.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
  }
}
