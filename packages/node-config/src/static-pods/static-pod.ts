import type { HostPath } from '@kube-rescue/host';
import type { CommandLine } from '../components/command-line.ts';

/** An HTTP probe. */
export interface HttpGet {
  readonly scheme: 'http' | 'https';
  /** Address or name; `undefined` for the pod's own address, which the manifest does not contain. */
  readonly host: string | undefined;
  readonly port: number;
  /** With a leading slash; may carry a query. */
  readonly path: string;
}

interface Probes {
  readonly liveness: HttpGet | undefined;
  readonly readiness: HttpGet | undefined;
  readonly startup: HttpGet | undefined;
}

/** A directory or file mounted into a container. */
export interface Mount {
  readonly containerPath: HostPath;
  /** `undefined` when the source is not on the host. */
  readonly hostPath: HostPath | undefined;
  /** The name of its volume. */
  readonly volume?: string | undefined;
}

export interface StaticContainer extends CommandLine {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Variables with a value in the manifest. */
  readonly environment?: ReadonlyMap<string, string> | undefined;
  /** Longest path first. */
  readonly mounts: readonly Mount[];
  readonly probes: Probes;
}

/** The file of a static pod. */
export interface ManifestFile {
  readonly path: HostPath;
  readonly source: string;
  /** SHA-256 of the bytes in hexadecimal. */
  readonly digest: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAt: Date;
  /** The file is a symbolic link. */
  readonly isLink: boolean;
}

/** A Pod that the kubelet runs from a file, without an API server. */
export interface StaticPod {
  readonly manifest: ManifestFile;
  /** As in the manifest; the API server appends the node's name. */
  readonly name: string;
  readonly namespace: string;
  /** Rarely set in the manifest; otherwise the kubelet derives the UID from a hash of the manifest. */
  readonly uid: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** The label `component`, else the program, else the name of its container. */
  readonly component: string;
  /** The container of the component. */
  readonly main: StaticContainer;
  readonly containers: readonly StaticContainer[];
  /** They run before the containers, one after the other; those that restart always run beside them. */
  readonly initContainers: readonly StaticContainer[];
  readonly hostNetwork: boolean;
}

/**
 * The file or directory of the host behind a path in a container; `undefined` when the image, a Secret or another source
 * provides it.
 */
export function hostPathOf(container: Pick<StaticContainer, 'mounts'>, containerPath: HostPath): HostPath | undefined {
  const mount = findMount(container, containerPath);
  if (mount?.hostPath === undefined) return undefined;
  const rest = containerPath.slice(mount.containerPath === '/' ? 0 : mount.containerPath.length);
  return (mount.hostPath === '/' && rest !== '' ? rest : mount.hostPath + rest) as HostPath;
}

/** The mount that provides a path in a container; `undefined` when the image does. */
export function findMount(container: Pick<StaticContainer, 'mounts'>, containerPath: HostPath): Mount | undefined {
  return container.mounts.find(
    (candidate) =>
      containerPath === candidate.containerPath || containerPath.startsWith(folder(candidate.containerPath)),
  );
}

function folder(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
