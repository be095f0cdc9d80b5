import { createLocalHost, hostPath } from '@kube-rescue/host';
import type { Json, RecordedInput } from '@kube-rescue/workflow';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CliError } from '../errors.ts';
import { nodeFlags, renewalFlags, selectionFlags } from '../flags.ts';
import { readPlan } from '../plan-file.ts';
import { recoveryFlags } from '../recovery-input.ts';
import { digestFiles } from './handed-in-files.ts';
import { type FlagForm, recordFlags, toFlagWords, toPresentWords } from './recorded-flags.ts';

/** The flags that decide what a plan holds: those of `plan`. */
const PLANNED = new Set(Object.keys({ ...nodeFlags, ...renewalFlags, ...selectionFlags, ...recoveryFlags }));

/** A parsed command line with `--plan`. */
export interface PlannedInput {
  readonly plan: string;
  readonly flags: Readonly<Record<string, unknown>>;
  /** Flags that were typed; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  readonly forms: Readonly<Record<string, FlagForm>>;
}

/**
 * The command line that carries out a plan: with the flags that the plan was made with. Flags that a plan does not have, such as
 * `--backup-recipient`, are those of the present command line.
 *
 * @throws CliError `PLAN_FILE_INVALID`; `PLAN_DIFFERS`, which names each flag or file that is another now
 */
export async function readPlannedArguments({ plan, flags, given, forms }: PlannedInput): Promise<string[]> {
  const local = createLocalHost();
  const toPath = (text: string) => hostPath(resolve(text));
  const path = toPath(plan);
  const { origin } = await readPlan(path, local);
  const typed = recordFlags(Object.fromEntries(Object.entries(flags).filter(([name]) => given.has(name))), toPath);
  const differences = Object.entries(typed).flatMap(([name, now]) => {
    const then = origin.flags[name];
    if (!PLANNED.has(name) || isDeepStrictEqual(comparable(now), comparable(then))) return [];
    return [`--${name}: planned ${describe(then)}, now ${describe(now)}`];
  });
  for (const input of origin.inputs) differences.push(...(await compareInput(input, local)));
  if (differences.length > 0) throw differs(path, differences);
  const others = Object.fromEntries(Object.entries(typed).filter(([name]) => !PLANNED.has(name)));
  return [
    ...[`--plan=${plan}`, ...toFlagWords(origin.flags, forms)],
    ...[...toFlagWords(others, forms), ...toPresentWords(flags, given)],
  ];
}

async function compareInput(
  { flag, path, files }: RecordedInput,
  local: Parameters<typeof digestFiles>[1],
): Promise<readonly string[]> {
  const now = await digestFiles(hostPath(path), local);
  return isDeepStrictEqual(now, files) ? [] : [`the files of ${flag} ${path} have changed`];
}

/** The order of a repeated flag, and repetitions in it, do not matter. */
function comparable(value: Json | undefined): unknown {
  if (value === false) return undefined;
  return Array.isArray(value) ? new Set(value) : value;
}

function describe(value: Json | undefined): string {
  if (value === undefined || value === false) return 'not given';
  if (value === true) return 'given';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function differs(subject: string, differences: readonly string[]): CliError {
  return new CliError({
    code: 'PLAN_DIFFERS',
    message: 'nothing was changed: a plan is carried out as it was made',
    reasons: differences,
    subject,
    hint: 'carry it out without these flags, or create a new plan with them and review it',
  });
}
