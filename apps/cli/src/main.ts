import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { run } from '@oclif/core/run';
import { wantsJson } from './base-command.ts';
import { wrapError } from './envelope.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { printError } from './render/error.ts';
import { secretArguments } from './secret-arguments.ts';
import { safeJson } from './render/style.ts';
import { openStreams } from './wiring.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The program `kube-rescue`. */
export const PROGRAM = join(ROOT, 'bin/run.js');

/**
 * Runs kube-rescue and sets the exit status.
 *
 * @param argv as `process.argv`: Node, this program, then the arguments
 */
export async function main(argv: readonly string[]): Promise<void> {
  const [, program = '', ...args] = argv;
  await runCommandLine(args, { root: ROOT, ...(isKubectlPlugin(program) ? { pjson: manifestForKubectl() } : {}) });
}

/**
 * Runs a command line and sets the exit status. Every failure, also one before a command was found, is printed here:
 * as text on the error output, and under `--json` as the one document on the standard output.
 *
 * @param options.root the directory of its package.json
 */
export async function runCommandLine(
  args: readonly string[],
  options: { readonly root: string; readonly pjson?: Interfaces.PJSON },
): Promise<void> {
  endQuietlyOnBrokenPipe();
  try {
    await run([...args], options);
  } catch (error) {
    process.exitCode = report(error, args);
  }
}

function report(error: unknown, args: readonly string[]): number {
  const code = error instanceof Error && 'exitCode' in error ? (error.exitCode as ExitCode) : exitCodeFor(error);
  const { reporter } = openStreams();
  const hidden = secretArguments(args);
  if (wantsJson(args)) {
    const warnings = error instanceof Error && 'warnings' in error ? (error.warnings as readonly string[]) : [];
    process.stdout.write(`${safeJson(wrapError(error, warnings, undefined, hidden))}\n`);
  }
  printError(error, reporter, code === EXIT.bug, hidden);
  return code;
}

/** kubectl finds plugins by file name; the operator types `kubectl rescue`. */
function isKubectlPlugin(program: string): boolean {
  return basename(program).startsWith('kubectl-rescue');
}

/** Our package.json, with the name that help shows. */
function manifestForKubectl(): Interfaces.PJSON {
  const manifest = createRequire(import.meta.url)('../package.json') as Interfaces.PJSON;
  return { ...manifest, oclif: { ...manifest.oclif, bin: 'kubectl rescue' } };
}

/** A reader that closes its end (`| head`) and a terminal that is gone (a lost SSH session) are no failure; the work continues. */
function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
}
