import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Reporter } from './reporter.ts';

/** Ctrl-C and SIGTERM as a signal to the work that is going on. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Names the folder that a second Ctrl-C tells the person about. */
  readonly remember: (journalPath: string) => void;
}

/**
 * Listens for SIGINT and SIGTERM. The first aborts the signal, so that the work stops at its next safe point; the second
 * ends the process at once.
 */
export function listenForInterruption(reporter: Reporter): Interruption {
  const controller = new AbortController();
  let journal: string | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      const where = journal === undefined ? '' : `; the journal of the run is in ${journal}`;
      reporter.print(`ended at once${where}`);
      process.exit(EXIT.interrupted);
    }
    reporter.print('stopping at the next safe point; press Ctrl-C again to end at once');
    controller.abort(new CliError({ code: 'INTERRUPTED', message: 'interrupted; nothing was changed' }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    remember: (path) => {
      journal = path;
    },
  };
}
