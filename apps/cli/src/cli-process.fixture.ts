import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, type Pki, type PkiOptions, plantTree } from '@kube-rescue/testing';

export const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The user to run as. Default: the test's own. */
  readonly uid?: number;
}

/** Runs the built program without a terminal, as cron or a script would. */
export function runCli(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return runProgram(process.execPath, [BIN, ...args], options);
}

export function runProgram(program: string, args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => out.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => err.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout: out.join(''), stderr: err.join('') }));
  });
}

/** A node's files in a temporary folder, for `--root`. */
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
