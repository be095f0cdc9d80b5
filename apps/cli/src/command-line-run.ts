import type { Interfaces } from '@oclif/core';
import { Config } from '@oclif/core/config';
import { run } from '@oclif/core/run';
import { basename } from 'node:path';
import { callOf } from './call.ts';
import { renderDocument } from './document.ts';
import { wrapError } from './envelope.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { documentFormat } from './output-format.ts';
import { printError } from './render/error.ts';
import { secretArguments } from './secret-arguments.ts';
import { openStreams } from './wiring.ts';

/**
 * Runs a command line and sets the exit status. Every failure, also one before a command was found, is printed here:
 * as text on the error output, and under `--json` as the one document on the standard output.
 *
 * @param options for oclif; at least `root`, the directory of its package.json
 * @param start finds and runs the command. Default: oclif, which reads commands from files
 */
export async function runCommandLine(
  args: readonly string[],
  options: Interfaces.LoadOptions,
  start: (args: string[], config: Config) => Promise<unknown> = run,
): Promise<void> {
  endQuietlyOnBrokenPipe();
  let config: Config | undefined;
  try {
    config = await Config.load(options);
    await start(withHelpFlag(args), config);
  } catch (error) {
    const { explainUsage } = await import('./usage-hint.ts');
    process.exitCode = await report(config === undefined ? error : explainUsage(error, args, config), args, config);
  }
}

/** `help certs check` is `certs check --help`. */
function withHelpFlag(args: readonly string[]): string[] {
  const [first, ...rest] = args;
  return first === 'help' ? [...rest, '--help'] : [...args];
}

async function report(error: unknown, args: readonly string[], config?: Config): Promise<ExitCode> {
  const code = error instanceof Error && 'exitCode' in error ? (error.exitCode as ExitCode) : exitCodeFor(error);
  const { reporter } = openStreams(args, config && callOf(args, config));
  const hidden = secretArguments(args);
  const format = documentFormat(args);
  if (format !== undefined) {
    const warnings = error instanceof Error && 'warnings' in error ? (error.warnings as readonly string[]) : [];
    const envelope = wrapError(error, warnings, undefined, hidden);
    process.stdout.write(await renderDocument(envelope, code, { format, call: reporter.terminal.call }));
  }
  printError(error, reporter, code === EXIT.bug, hidden);
  return code;
}

/** kubectl finds plugins by file name; the operator types `kubectl rescue`. */
export function isKubectlPlugin(program: string): boolean {
  return basename(program).startsWith('kubectl-rescue');
}

/** package.json with the name that help shows under kubectl. */
export function manifestForKubectl(manifest: Interfaces.PJSON): Interfaces.PJSON {
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
