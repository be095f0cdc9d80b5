import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import type { NetworkDirectories } from '../directories/network-directories.ts';
import { type NetworkConfiguration, parseNetworkConfiguration } from './network-configuration.ts';

/** A configuration in the directory that the container runtime reads. */
export interface PresentConfiguration {
  readonly path: HostPath;
  readonly configuration: NetworkConfiguration | { readonly problem: string };
  /** Required plugin binaries that no directory has. */
  readonly missing: readonly string[];
}

type Files = Pick<Host, 'readFile' | 'list' | 'stat'>;

/** libcni `conf.go` ConfFiles: the runtime uses the first of these, by name. */
const EXTENSION = /\.(conf|conflist|json)$/;

/** Every configuration in the order of the container runtime, which uses the first valid one. */
export async function readConfigurations(
  directories: NetworkDirectories,
  host: Files,
): Promise<readonly PresentConfiguration[]> {
  const directory = directories.configuration.value;
  const names = ((await host.list(directory)) ?? []).filter((name) => EXTENSION.test(name)).toSorted(byBytes);
  return Promise.all(
    names.map(async (name) => {
      const path = joinPath(directory, name);
      const bytes = await host.readFile(path);
      const configuration = parseNetworkConfiguration(bytes === undefined ? '' : new TextDecoder().decode(bytes));
      const binaries = 'problem' in configuration ? [] : configuration.binaries;
      return { path, configuration, missing: await findMissingPrograms(binaries, directories, host) };
    }),
  );
}

/** The plugin binaries that no directory has. */
export async function findMissingPrograms(
  names: readonly string[],
  directories: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => findProgram(name, directories, host)));
  return names.filter((_, at) => found[at] === undefined);
}

/** The path of a plugin binary. */
export async function findProgram(
  name: string,
  directories: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<HostPath | undefined> {
  for (const directory of directories.binaries.value) {
    const path = joinPath(directory, name);
    const stat = await host.stat(path);
    if (stat !== undefined && stat.kind !== 'directory') return path;
  }
  return undefined;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
