import { type RuntimeDirectories } from './runtime-directories.ts';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { Sourced } from '../sourced.ts';
import { readContainerdDirectories } from './containerd-directories.ts';
import { readCrioDirectories } from './crio-directories.ts';
import { readDockerDirectories } from './docker-directories.ts';
import { asPath, asPaths } from './flag-paths.ts';

/** The directories of this node for network configurations and plugin binaries. */
export interface NetworkDirectories {
  readonly configuration: Sourced<HostPath>;
  /** Searched in this order. */
  readonly binaries: Sourced<readonly HostPath[]>;
}

/** The flags of the kubelet by name, without dashes, merged with its configuration files, and their source. */
export interface KubeletFlags {
  readonly flags: ReadonlyMap<string, string>;
  readonly source: string;
}

const DEFAULT_CONFIGURATION = hostPath('/etc/cni/net.d');
const DEFAULT_BINARIES = [hostPath('/opt/cni/bin')];

/**
 * Finds the CNI directories: from the flags of a kubelet that runs the plugins (Docker, rkt), otherwise from the
 * configuration of the container runtime. The source reports a default as such.
 *
 * Source of the defaults: kubelet `--cni-conf-dir`, `--cni-bin-dir` up to v1.23; containerd docs/cri/config.md; crio.conf(5);
 * cri-dockerd's flags of the kubelet's names.
 * @throws CniError `CNI_DIRECTORIES_UNREADABLE`
 */
export async function locateNetworkDirectories(
  { flags, source }: KubeletFlags,
  host: Pick<Host, 'readFile' | 'list' | 'processes'>,
): Promise<NetworkDirectories> {
  const endpoint = flags.get('container-runtime-endpoint') ?? '';
  const isRemote = flags.get('container-runtime') === 'remote' || endpoint !== '';
  const ownDirectory = flags.get('cni-conf-dir');
  if (!isRemote && (ownDirectory !== undefined || flags.get('network-plugin') === 'cni')) {
    return fill({ configuration: asPath(ownDirectory), binaries: asPaths(flags.get('cni-bin-dir')), source });
  }
  return fill(
    (await readRuntimeDirectories(endpoint, isRemote, host)) ?? {
      configuration: undefined,
      binaries: undefined,
      source:
        endpoint === '' ? 'no container runtime is configured on this node' : `the container runtime at ${endpoint}`,
    },
  );
}

/** By the socket of the container runtime; without one, of containerd, or of CRI-O where containerd has no configuration. */
async function readRuntimeDirectories(
  endpoint: string,
  isRemote: boolean,
  host: Pick<Host, 'readFile' | 'list' | 'processes'>,
): Promise<RuntimeDirectories | undefined> {
  if (endpoint.includes('crio')) return readCrioDirectories(host);
  if (endpoint.includes('cri-dockerd')) return readDockerDirectories(host);
  const containerd = await readContainerdDirectories(host);
  const isContainerd = endpoint.includes('containerd');
  return containerd ?? (isRemote && !isContainerd ? readCrioDirectories(host) : undefined);
}

function fill({ configuration, binaries, source }: RuntimeDirectories): NetworkDirectories {
  const byDefault = `default: ${source} sets none`;
  return {
    configuration:
      configuration === undefined
        ? { value: DEFAULT_CONFIGURATION, source: byDefault }
        : { value: configuration, source },
    binaries: binaries === undefined ? { value: DEFAULT_BINARIES, source: byDefault } : { value: binaries, source },
  };
}
