import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Reporter } from './reporter.ts';

/** Ctrl-C and SIGTERM as an abort signal. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Notice for the operator on a second Ctrl-C, which ends the process without cleaning up. */
  readonly remember: (notice: string) => void;
}

/**
 * Listens for SIGINT and SIGTERM. The first aborts the signal, so that the work stops at its next safe point; the second
 * ends the process at once.
 *
 * @param message of the `INTERRUPTED` error: the state after an interruption
 */
export function listenForInterruption(
  reporter: Pick<Reporter, 'print'>,
  message = 'interrupted; nothing was changed',
): Interruption {
  const controller = new AbortController();
  let notice: string | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      reporter.print(notice === undefined ? 'ended at once' : `ended at once; ${notice}`);
      process.exit(EXIT.interrupted);
    }
    reporter.print('stopping at the next safe point; press Ctrl-C again to end at once');
    controller.abort(new CliError({ code: 'INTERRUPTED', message }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    remember: (text) => {
      notice = text;
    },
  };
}
