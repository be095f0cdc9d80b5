import type { RecoveryError } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { StaticPod } from '@kube-rescue/node-config';

/** Directories of the pod checkpointer. */
export interface CheckpointDirectories {
  /** The kubelet's static pods: a checkpoint in this directory runs. */
  readonly active: HostPath;
  readonly inactive: HostPath;
  readonly secrets: HostPath;
  readonly configMaps: HostPath;
  /** The checkpointer with this lock works; other instances wait. */
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
  /** The pod's volume for it; `undefined` for an unused object. */
  readonly volume: string | undefined;
  /** The mount path in the pod's containers. */
  readonly mountPaths: readonly HostPath[];
  /** The directory is missing, so the pod would start without it. */
  readonly isMissing: boolean;
  readonly keys: readonly CachedKey[];
}

/** A pod that the kubelet can start from this node's disk. */
export interface Checkpoint {
  /** Of the parent: the pod that the API server knows. */
  readonly namespace: string;
  readonly name: string;
  /** Its component: `kube-apiserver`, `pod-checkpointer`. */
  readonly component: string;
  /** It is the checkpointer's own checkpoint. */
  readonly isCheckpointer: boolean;
  /** The parent's UID at the time of the checkpoint. */
  readonly parentUid: string | undefined;
  /** The copy that the kubelet runs. */
  readonly active: StaticPod | undefined;
  /** The copy that the checkpointer would activate. */
  readonly inactive: StaticPod | undefined;
  /** The active copy, else the inactive one. */
  readonly pod: StaticPod;
  readonly objects: readonly CachedObject[];
}

export interface Checkpoints {
  readonly directories: CheckpointDirectories;
  /** Sorted by namespace and name; the checkpointer's own last, in the checkpointer's order. */
  readonly checkpoints: readonly Checkpoint[];
  /** Differing or duplicate copies, unreadable files, paths that lead elsewhere. */
  readonly problems: readonly RecoveryError[];
}
