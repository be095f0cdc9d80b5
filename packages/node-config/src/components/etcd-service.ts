import type { HostFiles, HostPath } from '@kube-rescue/host';
import { readCommandLine } from './command-line.ts';
import type { ComponentFlags } from './component-flags.ts';
import { withEtcdEnvironment } from './etcd-environment.ts';
import { readServiceCommand, UNIT_DIRECTORIES } from './systemd-unit.ts';

/** An etcd that runs as a systemd service. */
export interface EtcdService {
  /** Without `.service`. */
  readonly name: string;
  readonly component: ComponentFlags;
  readonly files: readonly HostPath[];
}

const UNIT = /^etcd[\w-]*\.service$/;

/**
 * Finds the etcd that this machine runs as a service (`etcd`, `etcd-member`), with its flags from the command line and the
 * environment. Reads only systemd's files.
 * @returns `undefined` when no unit runs an etcd with a data directory or addresses
 */
export async function readEtcdService({
  host,
}: {
  readonly host: Pick<HostFiles, 'readFile' | 'list'>;
}): Promise<EtcdService | undefined> {
  const found = await Promise.all(UNIT_DIRECTORIES.map((folder) => host.list(folder)));
  const units = new Set(found.flatMap((names) => (names ?? []).filter((name) => UNIT.test(name))));
  for (const unit of [...units].toSorted()) {
    const service = await readServiceCommand(unit, { host });
    if (service === undefined) continue;
    const flags = withEtcdEnvironment(readCommandLine(service.argv).flags, service.environment);
    // A similarly named unit, such as a backup or a proxy, has no listen address.
    if (!flags.has('listen-client-urls') && !flags.has('advertise-client-urls')) continue;
    const component: ComponentFlags = { component: 'etcd', source: service.source, flags, unmapped: [] };
    return { name: unit.replace(/\.service$/, ''), component, files: service.files };
  }
  return undefined;
}
