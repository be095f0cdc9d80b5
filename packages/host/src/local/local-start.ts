import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { HostError } from '../errors.ts';
import { findProgram } from './trusted-programs.ts';

/** A program that runs beside this process until its input ends. */
export interface RunningProgram {
  /** Writes to its standard input; what it no longer reads is dropped. */
  write(text: string): void;
  /** Ends its standard input. */
  end(): void;
  /** Called with each line of its standard output; replaces an earlier listener. */
  onLine(listener: (line: string) => void): void;
  /** Its exit status and its error output, once it has ended. */
  readonly ended: Promise<{ readonly exitCode: number; readonly stderr: string }>;
}

const MOST_ERROR_TEXT = 64 * 1024;

/**
 * Starts a program of this machine in its own process group. Does not keep this process running. When this process ends, also by
 * SIGKILL, the program reads the end of its input.
 * @throws HostError `HOST_EXEC_NOT_FOUND`
 */
export function startLocally(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): RunningProgram {
  const { file } = findProgram(program, env['PATH']);
  if (file === undefined) {
    throw new HostError({
      code: 'HOST_EXEC_NOT_FOUND',
      message: 'no such program',
      subject: program,
      hint: `install the package of ${program}, or add its directory to PATH`,
    });
  }
  const child = spawn(file, args, { argv0: program, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  child.unref();
  // The pipes of a child are sockets, which its types do not say.
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
  child.stdin.on('error', () => undefined);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-MOST_ERROR_TEXT);
  });
  let listener: (line: string) => void = () => undefined;
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const each of lines) listener(each);
  });
  const ended = new Promise<{ readonly exitCode: number; readonly stderr: string }>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: 127, stderr: error.message }));
    child.once('close', (code) => resolve({ exitCode: code ?? 128, stderr }));
  });
  return {
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    onLine: (next) => {
      listener = next;
    },
    ended,
  };
}
