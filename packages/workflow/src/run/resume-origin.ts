import { isDeepStrictEqual } from 'node:util';
import { WorkflowError } from '../errors.ts';
import type { RecordedInput, RunOrigin } from '../journal/journal-record.ts';
import type { Json } from '../plan/change.ts';
import { accessFlags, type RunAccess } from './next-steps.ts';

/**
 * Refuses to resume a run as something else than it began: every flag given now must have the value it had then.
 *
 * @param given flags of the present command line, without defaults
 * @throws WorkflowError `RESUME_CONTRADICTS`, which names each such flag with both values
 */
export function assertSameFlags(
  run: string,
  { flags: then }: Pick<RunOrigin, 'flags'>,
  given: Readonly<Record<string, Json>>,
  access: RunAccess = {},
): void {
  const differences = Object.entries(given)
    .filter(([name, now]) => !isDeepStrictEqual(comparable(now), comparable(then[name])))
    .map(([name, now]) => `--${name}: then ${describe(then[name])}, now ${describe(now)}`);
  const [first] = Object.keys(given).filter(
    (name) => !isDeepStrictEqual(comparable(given[name]), comparable(then[name])),
  );
  if (first === undefined) return;
  throw new WorkflowError({
    code: 'RESUME_CONTRADICTS',
    message: 'nothing was changed now: a resumed run goes as it began, and these flags differ',
    reasons: differences,
    subject: run,
    hint: `resume it without --${first}; to run with other flags, roll it back first: \`kube-rescue rollback ${run}${accessFlags(access)}\``,
  });
}

/**
 * Refuses to resume a run with other files than those handed in when it began.
 * @param present the files of the same inputs now; `undefined` where an input cannot be read
 * @throws WorkflowError `RESUME_INPUT_CHANGED`, which names each such file
 */
export function assertSameInputs(
  run: string,
  recorded: readonly RecordedInput[],
  present: readonly (RecordedInput['files'] | undefined)[],
  access: RunAccess = {},
): void {
  const differences = recorded.flatMap(({ flag, path, files }, index) => {
    const now = present[index];
    if (now === undefined) return [`${path} (${flag}) is missing`];
    const names = new Set([...Object.keys(files), ...Object.keys(now)]);
    return [...names].toSorted().flatMap((name) => {
      if (files[name] === now[name]) return [];
      const file = name === '.' ? path : `${path}/${name}`;
      const change = now[name] === undefined ? 'is missing' : files[name] === undefined ? 'is new' : 'has changed';
      return [`${file} (${flag}) ${change}`];
    });
  });
  if (differences.length === 0) return;
  throw new WorkflowError({
    code: 'RESUME_INPUT_CHANGED',
    message: 'nothing was changed now: the files handed in are not those that the run began with',
    reasons: differences,
    subject: run,
    hint: `restore these files, then resume; or roll the run back: \`kube-rescue rollback ${run}${accessFlags(access)}\``,
  });
}

/** The order of a repeated flag, and repetitions in it, do not matter. */
function comparable(value: Json | undefined): unknown {
  if (value === false) return undefined;
  return isList(value) ? new Set(value) : value;
}

function describe(value: Json | undefined): string {
  if (value === undefined || value === false) return 'not given';
  if (value === true) return 'given';
  return isList(value)
    ? value.map((each) => describe(each)).join(', ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
