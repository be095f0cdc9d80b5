import { type RuntimeDirectories } from './runtime-directories.ts';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { Sourced } from '../sourced.ts';
import { readContainerdDirectories } from './containerd-directories.ts';
import { readCrioDirectories } from './crio-directories.ts';

/** The directories of this node for network configurations and plugin binaries. */
export interface NetworkDirectories {
  readonly configuration: Sourced<HostPath>;
  /** Searched in this order. */
  readonly binaries: Sourced<readonly HostPath[]>;
}

/** The flags of the kubelet by name, without dashes, and their source. */
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
 * Source of the defaults: kubelet `--cni-conf-dir`, `--cni-bin-dir` up to v1.23; containerd docs/cri/config.md; crio.conf(5).
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
  const runtime = endpoint.includes('crio')
    ? await readCrioDirectories(host)
    : ((await readContainerdDirectories(host)) ?? (isRemote ? await readCrioDirectories(host) : undefined));
  return fill(
    runtime ?? {
      configuration: undefined,
      binaries: undefined,
      source: 'no container runtime is configured on this node',
    },
  );
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

function asPath(value: string | undefined): HostPath | undefined {
  return value?.startsWith('/') === true ? hostPath(value) : undefined;
}

function asPaths(value: string | undefined): readonly HostPath[] | undefined {
  const paths = (value ?? '').split(',').flatMap((each) => asPath(each.trim()) ?? []);
  return paths.length === 0 ? undefined : paths;
}
