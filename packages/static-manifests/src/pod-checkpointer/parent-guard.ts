import { createEdit, type KubernetesObject, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Host, HostPath } from '@kube-rescue/host';
import type { Edit } from '@kube-rescue/workflow';
import type { Checkpoint } from './checkpoint.ts';
import { readCheckpoints } from './checkpoint-reading.ts';
import { createParentPod, findOwner } from './parent-pod.ts';

/** The pod objects that the cluster has lost. */
export interface LostParents {
  readonly edits: readonly Edit[];
  readonly evidence: readonly string[];
  /** Missing parents that cannot be recreated. */
  readonly lost: readonly string[];
}

/**
 * Checks the parent of every checkpoint in the cluster, and recreates missing ones.
 * @throws ObjectError as the store does
 */
export async function planParents(
  { directory }: { readonly directory: HostPath },
  { host, objects }: { readonly host: Pick<Host, 'readFile' | 'stat' | 'list'>; readonly objects: ObjectAccess },
  signal: AbortSignal,
): Promise<LostParents> {
  const { checkpoints } = await readCheckpoints({ directory }, { host });
  if (checkpoints.length === 0) return { edits: [], evidence: [], lost: [] };
  const store = await objects.open(signal);
  const missing: Checkpoint[] = [];
  const evidence: string[] = [];
  for (const checkpoint of checkpoints) {
    const { namespace, name } = checkpoint;
    const found = await store.get({ kind: RESOURCE_KINDS.Pod, namespace, name }, { signal });
    if (found === undefined) missing.push(checkpoint);
    evidence.push(`Pod ${namespace}/${name} is ${found === undefined ? 'gone' : 'in the cluster'}`);
  }
  const edits: Edit[] = [];
  const lost: string[] = [];
  for (const checkpoint of missing) {
    const daemonSets: KubernetesObject[] = [];
    const { namespace } = checkpoint;
    // A parent whose owner is unreadable counts as lost.
    const listing = { namespace, signal, onUnreadable: () => undefined };
    for await (const { object } of store.list(RESOURCE_KINDS.DaemonSet, listing)) daemonSets.push(object);
    const owner = findOwner(checkpoint, daemonSets);
    const pod = owner && createParentPod(checkpoint, owner);
    if (pod === undefined) lost.push(`Pod ${namespace}/${checkpoint.name}`);
    else edits.push(createEdit(objects.source, RESOURCE_KINDS.Pod, pod));
  }
  return { edits, evidence, lost };
}
