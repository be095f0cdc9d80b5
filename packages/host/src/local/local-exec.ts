import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { HostError } from '../errors.ts';
import { errnoOf, fsFailure } from './fs-failure.ts';
import type { ExecOptions, ExecResult } from '../host.ts';
import { childEnvironment } from './child-environment.ts';
import { findProgram } from './trusted-programs.ts';

/** Limit of the output; of the error output, the rest is dropped. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Limit of a line for `onLine`. */
const MAX_LINE_LENGTH = 64 * 1024;
/** How long a background child may keep the output open after the program has exited. */
const DRAIN_MS = 250;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Runs a program on this machine in its own process group, so that a timeout kills its children too and a Ctrl-C on
 * the terminal does not reach it.
 */
export async function execLocally(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult> {
  const { exitCode, stdout, stderr } = await execForBytes(argv, options);
  return { exitCode, stdout: stdout.toString('utf8'), stderr };
}

/**
 * As {@link execLocally}, with the raw output.
 * @param maxOutputBytes output beyond it is dropped. Default: 16 MiB, and a program that prints more is killed
 * @throws HostError `HOST_EXEC_OUTPUT_TOO_LARGE` without `maxOutputBytes`
 */
export async function execForBytes(
  argv: readonly [string, ...string[]],
  options: ExecOptions,
  maxOutputBytes?: number,
): Promise<{ readonly exitCode: number; readonly stdout: Buffer; readonly stderr: string }> {
  options.signal?.throwIfAborted();
  const [program, ...args] = argv;
  const found = findProgram(program, options.env?.['PATH'] ?? process.env['PATH']);
  if (found.file === undefined) throw notFound(program, found.untrusted);
  const child = spawn(found.file, args, {
    argv0: program,
    cwd: options.cwd,
    env: options.env ?? childEnvironment(),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A program that does not read its input may close the pipe early.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  const output = collect(child.stdout, options.onLine, maxOutputBytes ?? MAX_OUTPUT_BYTES);
  if (maxOutputBytes === undefined) output.onExcess(() => killGroup(child));
  const onErrorLine = (line: string): void => {
    options.onLine?.(line);
    options.onErrorLine?.(line);
  };
  const errors = collect(child.stderr, onErrorLine, MAX_OUTPUT_BYTES);

  const ended = await outcomeOf(child, program, options);
  if (ended instanceof Error) throw ended;
  if (maxOutputBytes === undefined && output.isExceeded()) throw tooLarge(program);
  return { exitCode: ended, stdout: output.bytes(), stderr: errors.bytes().toString('utf8') };
}

function outcomeOf(child: Child, program: string, options: ExecOptions): Promise<number | Error> {
  return new Promise((resolve, reject) => {
    const kill = (because: () => void): void => {
      killGroup(child);
      because();
    };
    const timer = setTimeout(() => kill(() => settle(timedOut(program, options.timeoutMs))), options.timeoutMs);
    const onAbort = (): void => kill(() => fail(options.signal?.reason));
    options.signal?.addEventListener('abort', onAbort, { once: true });

    const cleanUp = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const settle = (result: number | Error): void => {
      cleanUp();
      resolve(result);
    };
    const fail = (reason: unknown): void => {
      cleanUp();
      reject(reason);
    };

    child.once('error', (error) => settle(notStarted(error, program, options)));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      // setImmediate: reads the pipes first, even when this process was too busy to read for a while.
      const drained = setTimeout(() => setImmediate(() => settle(exitCode)), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(drained);
        settle(exitCode);
      });
    });
  });
}

function killGroup(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

interface Output {
  readonly bytes: () => Buffer;
  readonly isExceeded: () => boolean;
  /** Called once, with the first byte beyond the limit. */
  readonly onExcess: (listener: () => void) => void;
}

function collect(stream: Readable, onLine: ExecOptions['onLine'], maxBytes: number): Output {
  const decoder = new StringDecoder('utf8');
  const chunks: Buffer[] = [];
  let kept = 0;
  let isExceeded = false;
  let excess: (() => void) | undefined;
  let line = '';
  stream.on('data', (chunk: Buffer) => {
    const left = maxBytes - kept;
    if (left > 0) chunks.push(chunk.subarray(0, left));
    kept += Math.min(left, chunk.length);
    if (chunk.length > left && !isExceeded) {
      isExceeded = true;
      excess?.();
    }
    if (onLine === undefined) return;
    const lines = (line + decoder.write(chunk)).split('\n');
    line = lines.pop() ?? '';
    for (const each of lines) onLine(each);
    if (line.length <= MAX_LINE_LENGTH) return;
    onLine(line);
    line = '';
  });
  stream.on('end', () => {
    if (line !== '') onLine?.(line);
  });
  return {
    bytes: () => Buffer.concat(chunks),
    isExceeded: () => isExceeded,
    onExcess: (listener) => {
      excess = listener;
    },
  };
}

function tooLarge(program: string): HostError {
  return new HostError({
    code: 'HOST_EXEC_OUTPUT_TOO_LARGE',
    message: `the program printed more than ${MAX_OUTPUT_BYTES} bytes and was killed`,
    subject: program,
    hint: 'run it by hand to see what it prints',
  });
}

function timedOut(program: string, timeoutMs: number): HostError {
  return new HostError({
    code: 'HOST_EXEC_TIMEOUT',
    message: `timeout: the program was killed after ${timeoutMs} ms`,
    subject: program,
    hint: 'run it by hand to see what it waits for',
  });
}

function notStarted(error: Error, program: string, { cwd }: ExecOptions): HostError {
  if (errnoOf(error) !== 'ENOENT') return fsFailure(error, 'run the program', program);
  if (cwd !== undefined && !existsSync(cwd)) return fsFailure(error, 'run a program in the directory', cwd);
  return notFound(program, undefined, error);
}

function notFound(program: string, untrusted: string | undefined, cause?: unknown): HostError {
  const isThere = untrusted !== undefined;
  return new HostError({
    code: 'HOST_EXEC_NOT_FOUND',
    message: isThere ? `no such program, except where another user can write: ${untrusted}` : 'no such program',
    subject: program,
    hint: isThere
      ? `install the package of ${program} into a directory that only root can write`
      : `install the package of ${program}, or add its directory to PATH`,
    cause,
  });
}
