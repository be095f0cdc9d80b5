import { type LabDeps, secondsSince } from '../cluster/deps.ts';
import { LabError } from '../errors.ts';

/** What a look at the thing waited for saw: the value, or the reason why it is not there yet. */
export type ObservedCertificate<T> = { readonly value: T } | { readonly waitingFor: string };

export interface Wait<T> {
  /** What is waited for, as the subject of the error. */
  readonly subject: string;
  readonly deadlineMs: number;
  /** Default: 200 ms. */
  readonly intervalMs?: number | undefined;
  look(): Promise<ObservedCertificate<T>>;
}

const DEFAULT_INTERVAL_MS = 200;

/**
 * Looks again and again until the thing waited for is there.
 *
 * @throws LabError `LAB_DEADLINE_PASSED` with the reason that the last look gave
 */
export async function waitFor<T>({ clock, signal }: Pick<LabDeps, 'clock' | 'signal'>, wait: Wait<T>): Promise<T> {
  const startedAt = clock.now();
  for (;;) {
    signal?.throwIfAborted();
    const seen = await wait.look();
    if ('value' in seen) return seen.value;
    if (clock.now().getTime() - startedAt.getTime() >= wait.deadlineMs) {
      throw new LabError({
        code: 'LAB_DEADLINE_PASSED',
        message: `still waiting after ${secondsSince(clock, startedAt)} s: ${seen.waitingFor}`,
        subject: wait.subject,
        hint: 'give the machine more time or less to do, then try again',
      });
    }
    await clock.sleep(wait.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
  }
}
