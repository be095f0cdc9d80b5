import { type Host, type HostPath, joinPath } from '@kube-rescue/host';
import type { NetworkDirectories } from '../directories/network-directories.ts';
import { type NetworkConfiguration, parseNetworkConfiguration } from './network-configuration.ts';

/** A configuration in the folder that the container runtime reads. */
export interface PresentConfiguration {
  readonly path: HostPath;
  readonly configuration: NetworkConfiguration | { readonly problem: string };
  /** Programs that it needs and no folder has. */
  readonly missing: readonly string[];
}

type Files = Pick<Host, 'readFile' | 'list' | 'stat'>;

/** libcni `conf.go` ConfFiles: the runtime takes the first of these, by name. */
const EXTENSION = /\.(conf|conflist|json)$/;

/** Every configuration that the container runtime would see, in its order: the first that can be used is. */
export async function readConfigurations(
  folders: NetworkDirectories,
  host: Files,
): Promise<readonly PresentConfiguration[]> {
  const folder = folders.configuration.value;
  const names = ((await host.list(folder)) ?? []).filter((name) => EXTENSION.test(name)).toSorted(byBytes);
  return Promise.all(
    names.map(async (name) => {
      const path = joinPath(folder, name);
      const bytes = await host.readFile(path);
      const configuration = parseNetworkConfiguration(bytes === undefined ? '' : new TextDecoder().decode(bytes));
      const binaries = 'problem' in configuration ? [] : configuration.binaries;
      return { path, configuration, missing: await findMissingPrograms(binaries, folders, host) };
    }),
  );
}

/** Programs that none of the folders has. */
export async function findMissingPrograms(
  names: readonly string[],
  folders: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<readonly string[]> {
  const found = await Promise.all(names.map((name) => findProgram(name, folders, host)));
  return names.filter((_, at) => found[at] === undefined);
}

/** Where a plugin's program is. */
export async function findProgram(
  name: string,
  folders: NetworkDirectories,
  host: Pick<Host, 'stat'>,
): Promise<HostPath | undefined> {
  for (const folder of folders.binaries.value) {
    const path = joinPath(folder, name);
    const stat = await host.stat(path);
    if (stat !== undefined && stat.kind !== 'directory') return path;
  }
  return undefined;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
