import { type HostPath, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { hostPathOf, type StaticPod } from '@kube-rescue/node-config';
import type { CheckpointDirectories } from './checkpoint.ts';

/** Annotation of every checkpoint: the name of its parent. */
export const CHECKPOINT_OF = 'checkpointer.alpha.coreos.com/checkpoint-of';

/** The defaults of the checkpointer, as its container sees them (bootkube `cmd/checkpoint`). */
const LOCK_FILE = hostPath('/var/run/lock/pod-checkpointer.lock');

/**
 * The directories of a checkpointer are beside that of the static pods; its flag names the lock, translated by its mounts.
 *
 * @param checkpointer its own checkpoint, if present
 */
export function checkpointDirectories(active: HostPath, checkpointer: StaticPod | undefined): CheckpointDirectories {
  const beside = parentPath(active);
  const flag = checkpointer?.main.flags.get('lock-file');
  const lock = flag?.startsWith('/') === true ? hostPath(flag) : LOCK_FILE;
  return {
    active,
    inactive: joinPath(beside, 'inactive-manifests'),
    secrets: joinPath(beside, 'checkpoint-secrets'),
    configMaps: joinPath(beside, 'checkpoint-configmaps'),
    lock: (checkpointer && hostPathOf(checkpointer.main, lock)) ?? lock,
  };
}
