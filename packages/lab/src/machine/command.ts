import type { ExecOptions, ExecResult } from '@kube-rescue/host';
import type { LabDeps } from './lab-deps.ts';
import { LabError } from '../errors.ts';

export type Argv = readonly [string, ...string[]];

/** Options of a command; see `ExecOptions` of the host. */
export type CommandOptions = Partial<Omit<ExecOptions, 'signal'>>;

const DEFAULT_TIMEOUT_MS = 60_000;
const REASON_LINES = 5;

/**
 * Runs a program that must succeed.
 *
 * @throws LabError `LAB_COMMAND_FAILED` with the last lines of the program's output
 */
export async function runCommand(
  { host, signal }: Pick<LabDeps, 'host' | 'signal'>,
  argv: Argv,
  options: CommandOptions = {},
): Promise<ExecResult> {
  const result = await host.exec(argv, { timeoutMs: DEFAULT_TIMEOUT_MS, ...options, signal });
  if (result.exitCode !== 0) throw commandFailed(argv, result);
  return result;
}

/** The error for a program that failed. */
export function commandFailed(argv: Argv, result: ExecResult): LabError {
  return new LabError({
    code: 'LAB_COMMAND_FAILED',
    message: `${argv.join(' ')} ended with exit status ${result.exitCode}: ${lastOutput(result)}`,
    subject: argv[0],
    hint: 'run the command by hand to see its whole output',
  });
}

/** The last lines of a program's output, on one line; of standard error unless that is empty. */
export function lastOutput({ stdout, stderr }: Pick<ExecResult, 'stdout' | 'stderr'>, lines = REASON_LINES): string {
  const said = stderr.trim() === '' ? stdout : stderr;
  return said.trim().split('\n').slice(-lines).join('; ');
}
