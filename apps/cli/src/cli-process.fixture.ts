import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, type Pki, type PkiOptions, plantTree } from '@kube-rescue/testing';

/** `KUBE_RESCUE_EXECUTABLE=FILE` runs the tests of the command line with the single executable instead of the build. */
const EXECUTABLE = process.env['KUBE_RESCUE_EXECUTABLE'];

export const BIN = EXECUTABLE ?? fileURLToPath(new URL('../bin/run.js', import.meta.url));
/** The arguments in front of those for kube-rescue. */
export const COMMAND: readonly [string, ...string[]] = EXECUTABLE === undefined ? [process.execPath, BIN] : [BIN];

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the standard input as soon as the standard output has shown `after`. Default: the input is empty. */
  readonly typed?: { readonly after: string; readonly text: string };
}

/** Runs the program without a terminal, like cron or a script. */
export function runCli(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const [program, ...before] = COMMAND;
  return runProgram(program, [...before, ...args], options);
}

/**
 * Runs the built program without root, in a user namespace: the program sees user 65534, the kernel checks file access as the
 * user of the test. So it can read a directory that is closed to other users.
 */
export function runCliWithoutRoot(args: readonly string[]): Promise<Ended> {
  return runProgram('unshare', ['--user', '--map-user=65534', '--map-group=65534', ...COMMAND, ...args]);
}

export function runProgram(program: string, args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const { typed, ...rest } = options;
  const child = spawn(program, args, { ...rest, stdio: 'pipe' });
  const output = { stdout: '', stderr: '' };
  let isTyped = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
      if (isTyped || typed === undefined || !output.stdout.includes(typed.after)) return;
      isTyped = true;
      child.stdin.write(typed.text);
    });
  }
  // A program that ends before it has read its input closes the pipe.
  child.stdin.on('error', () => undefined);
  if (typed === undefined) child.stdin.end();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, ...output }));
  });
}

/** Files of a node in a temporary directory, for `--root`. */
export interface PlantedNode {
  readonly root: string;
  readonly pki: Pki;
  remove(): Promise<void>;
}

export async function plantNode(options: PkiOptions = {}): Promise<PlantedNode> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-cli-'));
  await chmod(root, 0o755);
  const pki = await buildPki(options);
  await plantTree(createLocalHost({ root: hostPath(root) }), pki.tree);
  return { root, pki, remove: () => rm(root, { recursive: true, force: true }) };
}
