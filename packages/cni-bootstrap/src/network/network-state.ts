import type { HostPath } from '@kube-rescue/host';
import type { FindingStatus } from '@kube-rescue/workflow';
import type { NetworkDirectories } from '../directories/network-directories.ts';
import type { PluginPod } from '../plugin/plugin-pod.ts';

/** A file that the network plugin needs, as it is and as it should be. */
export interface FileStatus {
  readonly purpose: 'subnet' | 'configuration';
  readonly path: HostPath;
  /** `own`: the plugin wrote it after it was started, so it is left alone whatever it says. */
  readonly state: 'good' | 'own' | 'missing' | 'stale';
  /** What is wrong with a stale one. */
  readonly problems: readonly string[];
  /** The text that it should have. */
  readonly text: string;
}

/** Which network plugin a node's cluster runs, and what it lacks on this node. */
export interface NetworkState {
  /** `needed`: there are files to write. `blocked`: no file would help, or what should be in it is not known. */
  readonly status: FindingStatus;
  /** `flannel`, `calico` and the like; `unknown` when it is none that is known. */
  readonly plugin: string;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly code?: string | undefined;
  readonly subject?: string | undefined;
  readonly hint?: string | undefined;
  /** `DaemonSet NAMESPACE/NAME`. */
  readonly daemon: string | undefined;
  readonly pod: PluginPod | undefined;
  readonly folders: NetworkDirectories | undefined;
  /** The plugin that will be asked first, to prove that the files can be used; `undefined` when no file is known. */
  readonly program: HostPath | undefined;
  readonly files: readonly FileStatus[];
}
