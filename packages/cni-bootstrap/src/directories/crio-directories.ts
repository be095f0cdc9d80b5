import { fieldsAt, textAt, textsAt } from '@kube-rescue/cluster-objects';
import { type Host, hostPath, joinPath } from '@kube-rescue/host';
import { readToml } from './toml.ts';
import type { RuntimeDirectories } from './runtime-directories.ts';

const CONFIG = hostPath('/etc/crio/crio.conf');
const DROP_INS = hostPath('/etc/crio/crio.conf.d');

/**
 * The CNI directories in the configuration of CRI-O, with the drop-ins in order after the main file (crio.conf(5));
 * `undefined` without a configuration.
 * @throws CniError `CNI_DIRECTORIES_UNREADABLE`
 */
export async function readCrioDirectories(
  host: Pick<Host, 'readFile' | 'list'>,
): Promise<RuntimeDirectories | undefined> {
  const dropIns = ((await host.list(DROP_INS)) ?? []).map((name) => joinPath(DROP_INS, name));
  const read = await Promise.all(
    [CONFIG, ...dropIns].map(async (path) => ({ path, object: await readToml(path, host) })),
  );
  const found = read.filter(({ object }) => object !== undefined);
  if (found.length === 0) return undefined;
  const directory = found
    .map(({ object }) => textAt(fieldsAt(object, 'crio', 'network'), 'network_dir'))
    .findLast(Boolean);
  const binaries = found
    .map(({ object }) => textsAt(fieldsAt(object, 'crio', 'network'), 'plugin_dirs'))
    .findLast((dirs) => dirs.length > 0);
  return {
    configuration: directory === undefined ? undefined : hostPath(directory),
    binaries: binaries?.map((each) => hostPath(each)),
    source: found.map(({ path }) => path).join(', '),
  };
}
