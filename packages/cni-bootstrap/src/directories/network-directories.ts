import { type RuntimeDirectories } from './runtime-directories.ts';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { Sourced } from '../network/with-source.ts';
import { readContainerdFolders } from './containerd-directories.ts';
import { readCrioFolders } from './crio-directories.ts';

/** Where this node's container runtime looks for network configurations and for the plugins' programs. */
export interface NetworkDirectories {
  readonly configuration: Sourced<HostPath>;
  /** Searched in this order. */
  readonly binaries: Sourced<readonly HostPath[]>;
}

/** The kubelet's flags by name, without dashes, and where they were read. */
export interface KubeletFlags {
  readonly flags: ReadonlyMap<string, string>;
  readonly source: string;
}

const DEFAULT_CONFIGURATION = hostPath('/etc/cni/net.d');
const DEFAULT_BINARIES = [hostPath('/opt/cni/bin')];

/**
 * Finds the folders by what is configured: the kubelet's flags where the kubelet itself runs the plugins (Docker, rkt), the
 * container runtime's own configuration otherwise. A default is named as one.
 *
 * Source of the defaults: kubelet `--cni-conf-dir`, `--cni-bin-dir` up to v1.23; containerd docs/cri/config.md; crio.conf(5).
 * @throws CniError `CNI_FOLDERS_UNREADABLE`
 */
export async function locateNetworkDirectories(
  { flags, source }: KubeletFlags,
  host: Pick<Host, 'readFile' | 'list' | 'processes'>,
): Promise<NetworkDirectories> {
  const endpoint = flags.get('container-runtime-endpoint') ?? '';
  const isRemote = flags.get('container-runtime') === 'remote' || endpoint !== '';
  const ownFolder = flags.get('cni-conf-dir');
  if (!isRemote && (ownFolder !== undefined || flags.get('network-plugin') === 'cni')) {
    return fill({ configuration: asPath(ownFolder), binaries: asPaths(flags.get('cni-bin-dir')), source });
  }
  const runtime = endpoint.includes('crio')
    ? await readCrioFolders(host)
    : ((await readContainerdFolders(host)) ?? (isRemote ? await readCrioFolders(host) : undefined));
  return fill(
    runtime ?? { configuration: undefined, binaries: undefined, source: 'no runtime of this node is configured' },
  );
}

function fill({ configuration, binaries, source }: RuntimeDirectories): NetworkDirectories {
  const byDefault = `the usual default, for this names none: ${source}`;
  return {
    configuration:
      configuration === undefined
        ? { value: DEFAULT_CONFIGURATION, source: byDefault }
        : { value: configuration, source },
    binaries: binaries === undefined ? { value: DEFAULT_BINARIES, source: byDefault } : { value: binaries, source },
  };
}

function asPath(value: string | undefined): HostPath | undefined {
  return value?.startsWith('/') === true ? hostPath(value) : undefined;
}

function asPaths(value: string | undefined): readonly HostPath[] | undefined {
  const paths = (value ?? '').split(',').flatMap((each) => asPath(each.trim()) ?? []);
  return paths.length === 0 ? undefined : paths;
}
