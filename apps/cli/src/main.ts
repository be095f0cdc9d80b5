import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { isKubectlPlugin, manifestForKubectl, runCommandLine } from './command-line-run.ts';

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
  await runCommandLine(args, { root: ROOT, ...(isKubectlPlugin(program) ? { pjson: kubectlManifest() } : {}) });
}

function kubectlManifest(): Interfaces.PJSON {
  return manifestForKubectl(createRequire(import.meta.url)('../package.json') as Interfaces.PJSON);
}
