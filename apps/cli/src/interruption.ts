import { setMaxListeners } from 'node:events';
import { CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Reporter } from './reporter.ts';

/** Ctrl-C, SIGTERM and a lost terminal as an abort signal. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Notice for the operator on a second Ctrl-C, which ends the process without cleaning up. */
  readonly remember: (notice: string) => void;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP. The first aborts the signal, so that the work stops at its next safe point; the second
 * SIGINT or SIGTERM ends the process at once. A further SIGHUP does not: a lost session sends it twice, from the kernel and from the
 * shell. Node takes SIGHUP also under `nohup`.
 *
 * @param message of the `INTERRUPTED` error: the state after an interruption
 */
export function listenForInterruption(
  reporter: Pick<Reporter, 'print'>,
  message = 'interrupted; nothing was changed',
): Interruption {
  const controller = new AbortController();
  // Steps side by side and their programs all listen; more listeners than ten are no leak.
  setMaxListeners(0, controller.signal);
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
  process.on('SIGHUP', () => {
    if (!controller.signal.aborted) onSignal();
  });
  return {
    signal: controller.signal,
    remember: (text) => {
      notice = text;
    },
  };
}
