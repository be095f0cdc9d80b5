import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import {
  findKubeconfigWriters,
  findRefusedCheckpoints,
  findStaleCheckpoints,
  findStandstill,
  type KubeconfigWriter,
} from '@kube-rescue/static-manifests';
import type { Node } from '@kube-rescue/node';

/** One checkpointed pod for a table. */
export interface CheckpointRow {
  readonly component: string;
  /** The parent: the pod that the API server knows. */
  readonly namespace: string;
  readonly name: string;
  /** `active`: the kubelet runs the checkpoint. `inactive`: it is kept on disk. */
  readonly state: 'active' | 'inactive';
  readonly cached: readonly {
    readonly kind: string;
    readonly name: string;
    readonly keys: number;
    readonly missing: boolean;
  }[];
  /** Cached files that differ from the cluster's objects; `null` when the objects cannot be read. */
  readonly stale: readonly string[] | null;
}

/** The files of a pod checkpointer on a node, and their problems. */
export interface CheckpointListing {
  readonly checkpoints: readonly CheckpointRow[];
  /** A line each. */
  readonly problems: readonly string[];
  /** Why staleness is unknown; `null` when it is known. */
  readonly unread: string | null;
  readonly kubeconfigWriters: readonly KubeconfigWriter[];
}

/**
 * Lists every checkpointed pod of this node from its disk, compared with the objects of the cluster where these can be read.
 * Writes nothing.
 */
export async function listCheckpoints(
  node: Node,
  objects: ObjectAccess,
  signal: AbortSignal,
): Promise<CheckpointListing> {
  const { host } = node;
  const { checkpoints, kubelet, staticPods } = await node.describe();
  const { kubeconfig } = kubelet;
  const service = node.options.kubeletService;
  const writers = kubeconfig === undefined ? [] : await findKubeconfigWriters({ kubeconfig, service }, { host });
  const isLive = host.kind === 'live' && checkpoints.checkpoints.length > 0;
  const stale = isLive
    ? await unlessUnreadable(() => findStaleCheckpoints(checkpoints, { host, objects }, signal), signal)
    : undefined;
  const files = stale !== undefined && typeof stale !== 'string' ? stale : undefined;
  const standstill = isLive ? await findStandstill(checkpoints, { host }) : undefined;
  return {
    checkpoints: checkpoints.checkpoints.map((checkpoint) => ({
      component: checkpoint.component,
      namespace: checkpoint.namespace,
      name: checkpoint.name,
      state: checkpoint.active === undefined ? 'inactive' : 'active',
      cached: checkpoint.objects.map(({ kind, name, keys, isMissing }) => ({
        ...{ kind, name, keys: keys.length, missing: isMissing },
      })),
      stale:
        files?.filter((file) => checkpoint.objects.some(({ directory }) => file.startsWith(`${directory}/`))) ?? null,
    })),
    problems: [
      ...(standstill === undefined ? [] : [standstill]),
      ...[...checkpoints.problems, ...staticPods.passedOver, ...findRefusedCheckpoints(checkpoints, kubelet)].map(
        ({ subject, message }) => `${subject}: ${message}`,
      ),
    ],
    unread: typeof stale === 'string' ? stale : null,
    kubeconfigWriters: writers,
  };
}

/** The value, or the reason for the failure. */
async function unlessUnreadable<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return describeError(error);
    throw error;
  }
}
