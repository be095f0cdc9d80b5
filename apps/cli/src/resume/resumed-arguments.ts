import { createLocalHost, type HostPath, hostPath } from '@kube-rescue/host';
import { isDeepStrictEqual } from 'node:util';
import { resolve } from 'node:path';
import type { Reporter } from '../reporter.ts';
import { digestFiles } from './handed-in-files.ts';
import { type FlagForm, recordFlags, toFlagWords, toPresentWords } from './recorded-flags.ts';

/** They change no step, and the machine may have changed since the run began. */
const MAY_BE_ADDED: readonly string[] = ['clock-is-right'];

/** A parsed command line with `--resume`. */
export interface ResumeInput {
  /** The words of the command with its arguments. */
  readonly command: readonly string[];
  /** Arguments only. */
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  /** Flags that were typed; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  readonly forms: Readonly<Record<string, FlagForm>>;
}

/**
 * The command line that the run to resume began with, from the header of its journal.
 *
 * @returns `undefined` when there is none: no such run, another command's, or one of version 1, which records no flags
 * @throws WorkflowError `RESUME_CONTRADICTS` `RESUME_INPUT_CHANGED`; HostError
 */
export async function readResumedArguments(
  { command, args, flags, given, forms }: ResumeInput,
  reporter: Pick<Reporter, 'warn'>,
): Promise<string[] | undefined> {
  const { assertSameFlags, assertSameInputs, findResumableRun, openRunStore } = await import('@kube-rescue/workflow');
  const root = flags['root'];
  const local = createLocalHost();
  const host = typeof root === 'string' ? createLocalHost({ root: toPath(root) }) : local;
  const run = await findResumableRun(openRunStore(host));
  if (run?.header === undefined) return undefined;
  const { id, header } = run;
  if (header.flags === undefined) {
    reporter.warn(`the flags of run ${id} are not recorded: it is resumed with those of this command line`);
    return undefined;
  }
  if (!isDeepStrictEqual(header.command, command)) return undefined;
  const now = Object.fromEntries(
    Object.entries(flags).filter(([name]) => given.has(name) && !MAY_BE_ADDED.includes(name)),
  );
  const access = { root: host.kind === 'copy' ? host.name : null, isSealed: (header.seal ?? []).length > 0 };
  assertSameFlags(id, { flags: header.flags }, recordFlags(now, toPath), access);
  const { inputs = [] } = header;
  const present = await Promise.all(inputs.map(({ path }) => digestFiles(hostPath(path), local)));
  assertSameInputs(id, inputs, present, access);
  const added = MAY_BE_ADDED.filter((name) => flags[name] === true && header.flags?.[name] !== true);
  const words = [...toFlagWords(header.flags, forms), ...added.map((name) => `--${name}`)];
  return [...args, ...words, ...toPresentWords(flags, given)];
}

function toPath(text: string): HostPath {
  return hostPath(resolve(text));
}
