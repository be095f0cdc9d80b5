import type { RunOrigin } from '@kube-rescue/workflow';
import type { LocalFiles } from '../local-files.ts';
import type { Invocation } from '../wiring.ts';
import { digestInputs } from './handed-in-files.ts';
import { recordFlags } from './recorded-flags.ts';

/** What the journal records of a command line. */
export async function describeOrigin(invocation: Invocation, files: LocalFiles): Promise<RunOrigin> {
  const { flags, args, version } = invocation;
  return {
    command: commandOf(invocation),
    flags: recordFlags(flags, (text) => files.path(text)),
    inputs: await digestInputs(flags, args, files),
    tool: version,
  };
}

/** The words of the command with its arguments: `certs`, `rotate-ca`, `cluster`. */
export function commandOf({ words, args }: Pick<Invocation, 'words' | 'args'>): readonly string[] {
  return [...words, ...argumentsOf(args)];
}

export function argumentsOf(args: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.values(args)
    .flat()
    .filter((each) => typeof each === 'string');
}
