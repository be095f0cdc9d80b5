import { spawn } from 'node:child_process';
import { childEnvironment } from './child-environment.ts';
import { findProgram } from './trusted-programs.ts';

/** In this order; less ends by itself when the text fits the screen, and shows colours. */
const PAGERS: readonly (readonly [string, ...string[]])[] = [['less', '-FRX'], ['more']];

/**
 * Shows text on the terminal page by page, and waits until the reader ends the pager. `PAGER` is not asked: this may run as root
 * with the environment of another user.
 *
 * @param pagers argument lists; the first whose program is found is run
 * @returns `false` when no pager could be started, and nothing was shown
 */
export async function showInPager(text: string, pagers = PAGERS): Promise<boolean> {
  const found = pagers.flatMap(([program, ...args]) => {
    const { file } = findProgram(program, process.env['PATH']);
    return file === undefined ? [] : [{ file, args }];
  });
  const [pager] = found;
  if (pager === undefined) return false;
  // The reader's Ctrl-C is the pager's to handle.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  try {
    const child = spawn(pager.file, pager.args, { stdio: ['pipe', 'inherit', 'inherit'], env: childEnvironment() });
    // A reader who ends the pager early has read enough.
    child.stdin.on('error', ignore).end(text);
    return await new Promise<boolean>((resolve) => {
      child.once('error', () => resolve(false));
      child.once('close', () => resolve(true));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
