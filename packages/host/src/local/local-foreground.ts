import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { HostError } from '../errors.ts';
import { errnoOf } from './fs-failure.ts';

/** How long a program that was asked to end may take, before it is killed. */
const END_TIMEOUT_MS = 10_000;
/** A Ctrl-C on the terminal has reached the program as well. */
const OWN_END_MS = 1_000;

/**
 * Runs a command of the operator with this process's own streams, directory and environment, and waits until it ends. It is in the
 * same process group: a Ctrl-C on the terminal reaches it too.
 *
 * @param variables added to the environment
 * @param signal aborts it: with SIGTERM, later with SIGKILL
 * @returns its exit status; 128 + n when a signal ended it
 * @throws HostError `HOST_EXEC_NOT_FOUND`, and those of a program that cannot be run
 */
export async function runInForeground(
  [program, ...args]: readonly [string, ...string[]],
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...variables } });
  const timers: NodeJS.Timeout[] = [];
  const onAbort = (): void => {
    timers.push(setTimeout(() => child.kill('SIGTERM'), OWN_END_MS));
    timers.push(setTimeout(() => child.kill('SIGKILL'), OWN_END_MS + END_TIMEOUT_MS));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(notStarted(program, error)));
      child.once('exit', (code, ended) => resolve(code ?? 128 + (ended === null ? 0 : constants.signals[ended])));
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
  }
}

function notStarted(program: string, cause: Error): HostError {
  const isMissing = errnoOf(cause) === 'ENOENT';
  return new HostError({
    code: isMissing ? 'HOST_EXEC_NOT_FOUND' : 'HOST_PERMISSION_DENIED',
    message: isMissing ? 'no such program' : 'the program cannot be run',
    subject: program,
    hint: 'give a program in PATH, or its path',
    cause,
  });
}
