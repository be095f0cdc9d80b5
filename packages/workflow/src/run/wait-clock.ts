import type { Clock } from '@kube-rescue/host';
import type { WhileWaiting } from '../plan/change.ts';
import type { StepJournal } from '../plan/step.ts';

/** Measures waiting: of each step, and of the whole run, in which steps run side by side. */
export interface WaitClock {
  /**
   * Begins one step: what it reports through the journal is measured until `end`.
   * @param open its journal; what a change waits for goes through `whileWaiting`
   */
  measure(open: (whileWaiting: WhileWaiting) => StepJournal): MeasuredStep;
  /** Seconds in which at least one step ran and every running step waited. */
  seconds(): number;
}

interface MeasuredStep {
  readonly journal: StepJournal;
  /** Ends the step: the seconds from each `waitingFor` to the next edit, or to this end, and those that changes waited. */
  end(): number;
}

export function createWaitClock({ now }: Pick<Clock, 'now'>): WaitClock {
  const time = (): number => now().getTime();
  let running = 0;
  let waiting = 0;
  let allWaitSince: number | undefined;
  let allWaitedMs = 0;
  const count = (ran: number, waited: number): void => {
    if (allWaitSince !== undefined) allWaitedMs += time() - allWaitSince;
    running += ran;
    waiting += waited;
    allWaitSince = running > 0 && waiting === running ? time() : undefined;
  };
  return {
    seconds: () => (allWaitedMs + (allWaitSince === undefined ? 0 : time() - allWaitSince)) / 1000,
    measure: (open) => {
      let since: number | undefined;
      let waitedMs = 0;
      const settle = (): void => {
        if (since === undefined) return;
        waitedMs += time() - since;
        since = undefined;
        count(0, -1);
      };
      const begin = (what: string): void => {
        if (since === undefined) {
          since = time();
          count(0, 1);
        }
        journal.waitingFor(what);
      };
      const journal = open(async (what, wait) => {
        begin(what);
        try {
          return await wait();
        } finally {
          settle();
        }
      });
      count(1, 0);
      return {
        journal: {
          waitingFor: begin,
          perform: async (edits) => {
            settle();
            await journal.perform(edits);
          },
        },
        end: () => {
          settle();
          count(-1, 0);
          return waitedMs / 1000;
        },
      };
    },
  };
}
