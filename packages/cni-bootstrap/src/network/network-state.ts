import type { HostPath } from '@kube-rescue/host';
import type { FindingStatus } from '@kube-rescue/workflow';
import type { NetworkDirectories } from '../directories/network-directories.ts';
import type { PluginPod } from '../plugin/plugin-pod.ts';

/** The actual and the wanted state of a file that the network plugin needs. */
export interface FileStatus {
  readonly purpose: 'subnet' | 'configuration';
  readonly path: HostPath;
  /** `own`: the plugin wrote it after its start, so it is not changed. */
  readonly state: 'good' | 'own' | 'missing' | 'stale';
  /** The differences of a stale file. */
  readonly problems: readonly string[];
  /** The wanted text. */
  readonly text: string;
}

/** The network plugin of the cluster, and its state on this node. */
export interface NetworkState {
  /** `needed`: files must be written. `blocked`: files would not help, or cannot be derived. */
  readonly status: FindingStatus;
  /** For example `flannel` or `calico`; else `unknown`. */
  readonly plugin: string;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly code?: string | undefined;
  readonly subject?: string | undefined;
  readonly hint?: string | undefined;
  /** `DaemonSet NAMESPACE/NAME`. */
  readonly daemon: string | undefined;
  readonly pod: PluginPod | undefined;
  readonly directories: NetworkDirectories | undefined;
  /** The binary of the first plugin, which proves that the files are usable; `undefined` without files. */
  readonly program: HostPath | undefined;
  readonly files: readonly FileStatus[];
}
