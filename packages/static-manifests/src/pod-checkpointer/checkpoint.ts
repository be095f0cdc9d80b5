import type { RecoveryError } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { StaticPod } from '@kube-rescue/node-config';

/** Directories of the pod checkpointer. */
export interface CheckpointDirectories {
  /** The kubelet's static pods: a checkpoint that lies here runs. */
  readonly active: HostPath;
  readonly inactive: HostPath;
  readonly secrets: HostPath;
  readonly configMaps: HostPath;
  /** The checkpointer that holds it works; other instances wait. */
  readonly lock: HostPath;
}

/** One key of a Secret or ConfigMap, as a file. */
export interface CachedKey {
  readonly key: string;
  readonly path: HostPath;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** SHA-256 of the bytes in hexadecimal. */
  readonly digest: string;
}

/** A Secret or ConfigMap of a pod, kept as files. */
export interface CachedObject {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
  readonly directory: HostPath;
  /** The pod's volume that it fills; `undefined` for one that lies there and is not used. */
  readonly volume: string | undefined;
  /** Where the pod's containers see it. */
  readonly mountPaths: readonly HostPath[];
  /** The directory is not there, so the pod would start without it. */
  readonly isMissing: boolean;
  readonly keys: readonly CachedKey[];
}

/** A pod that can be started from this node's disk. */
export interface Checkpoint {
  /** Of the parent: the pod that the API server knows. */
  readonly namespace: string;
  readonly name: string;
  /** What it runs: `kube-apiserver`, `pod-checkpointer`. */
  readonly component: string;
  /** It is the checkpointer's own. */
  readonly isCheckpointer: boolean;
  /** The parent's UID when the checkpoint was taken. */
  readonly parentUid: string | undefined;
  /** The copy that the kubelet runs. */
  readonly active: StaticPod | undefined;
  /** The copy that the checkpointer would run. */
  readonly inactive: StaticPod | undefined;
  /** The active copy, else the inactive one. */
  readonly pod: StaticPod;
  readonly objects: readonly CachedObject[];
}

export interface Checkpoints {
  readonly directories: CheckpointDirectories;
  /** Sorted by namespace and name; the checkpointer's own last, as it goes about it itself. */
  readonly checkpoints: readonly Checkpoint[];
  /** Copies that disagree or are there twice, files that cannot be read, paths that lead elsewhere. */
  readonly problems: readonly RecoveryError[];
}
