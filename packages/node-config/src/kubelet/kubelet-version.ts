import { isRecoveryError } from '@kube-rescue/errors';
import { baseName, type Host, type HostPath, hostPath } from '@kube-rescue/host';
import type { KubeletConfiguration } from './kubelet-configuration.ts';

/** The version of the kubelet that this node would start. */
export interface KubeletVersion {
  /** 35 in 1.35.2. */
  readonly minor: number;
  /** 2 in 1.35.2. */
  readonly patch: number;
  /** For example `1.35.2`. */
  readonly text: string;
  /** Where it was read. */
  readonly source: string;
}

/** Where packages and kubeadm's instructions put it. */
const PROGRAMS = ['/usr/bin/kubelet', '/usr/local/bin/kubelet', '/opt/bin/kubelet'].map(hostPath);
const PACKAGED = hostPath('/usr/bin/kubelet');
const DPKG_STATUS = hostPath('/var/lib/dpkg/status');
/** `kubernetes-node` is Debian's own. */
const PACKAGES: readonly string[] = ['kubelet', 'kubernetes-node'];
const TIMEOUT_MS = 10_000;

type VersionHost = Pick<Host, 'kind' | 'stat' | 'exec' | 'readFile'>;

/**
 * The version of this node's kubelet. On a running machine the program is asked (`kubelet --version`), if root owns it and no other user
 * can change it; on a copy nothing is run, and the database of dpkg is read. `undefined` when neither says.
 */
export async function readKubeletVersion(
  { program }: Pick<KubeletConfiguration, 'program'>,
  { host }: { readonly host: VersionHost },
): Promise<KubeletVersion | undefined> {
  const path = await findProgram(program, host);
  return (await askProgram(path, host)) ?? (path === PACKAGED ? readPackageVersion(host) : undefined);
}

async function findProgram(program: string | undefined, host: VersionHost): Promise<HostPath | undefined> {
  // Other names are wrappers and hyperkube, whose kubelet may be another one.
  if (program?.startsWith('/')) return baseName(hostPath(program)) === 'kubelet' ? hostPath(program) : undefined;
  for (const path of PROGRAMS) if ((await host.stat(path)) !== undefined) return path;
  return PACKAGED;
}

async function askProgram(path: HostPath | undefined, host: VersionHost): Promise<KubeletVersion | undefined> {
  if (host.kind !== 'live' || path === undefined || (await host.stat(path))?.uid !== 0) return undefined;
  try {
    // The node's host refuses a program that another user than root could have changed.
    const { exitCode, stdout } = await host.exec([path, '--version'], { timeoutMs: TIMEOUT_MS });
    const text = /^Kubernetes v(1\.\d+\.\d+\S*)/.exec(stdout)?.[1];
    return exitCode === 0 ? versionOf(text, `${path} --version`) : undefined;
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** Stanzas of deb-control(5); an installed package has the status `install ok installed`. */
async function readPackageVersion(host: VersionHost): Promise<KubeletVersion | undefined> {
  const bytes = await host.readFile(DPKG_STATUS).catch((error: unknown) => {
    if (isRecoveryError(error)) return undefined;
    throw error;
  });
  const stanzas = new TextDecoder().decode(bytes).split('\n\n');
  const found = stanzas.find(
    (stanza) =>
      PACKAGES.includes(/^Package: (\S+)$/m.exec(stanza)?.[1] ?? '') && /^Status: \S+ ok installed$/m.test(stanza),
  );
  return versionOf(/^Version: (?:\d+:)?(1\.\d+\.\d+)/m.exec(found ?? '')?.[1], DPKG_STATUS);
}

function versionOf(text: string | undefined, source: string): KubeletVersion | undefined {
  const [, minor, patch] = /^1\.(\d+)\.(\d+)/.exec(text ?? '') ?? [];
  if (text === undefined || minor === undefined) return undefined;
  return { minor: Number(minor), patch: Number(patch), text, source };
}
