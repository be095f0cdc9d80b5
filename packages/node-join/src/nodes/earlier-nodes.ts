import { fieldsAt, type KubernetesObject, textAt } from '@kube-rescue/cluster-objects';
import type { RunStore } from '@kube-rescue/workflow';

/**
 * A Node before the changes of earlier runs on this host, the oldest first; for {@link RoleSources}.
 *
 * Includes only Nodes that an earlier run changed; the journal has no others.
 * @throws WorkflowError `JOURNAL_CORRUPT`
 */
export async function readEarlierNodes(
  store: Pick<RunStore, 'list' | 'open'>,
  name: string,
): Promise<readonly KubernetesObject[]> {
  const nodes: KubernetesObject[] = [];
  for (const { id, activeChanges } of await store.list()) {
    const run = await store.open(id);
    for (const { change, captured } of activeChanges) {
      const { kind, name: changed } = fieldsAt(change, 'object');
      const kept = textAt(captured, 'kept');
      if (change.kind !== 'object.replace' || kind !== 'Node' || changed !== name || kept === undefined) continue;
      const text = new TextDecoder().decode(await run.backup.read(kept));
      nodes.push(JSON.parse(text) as KubernetesObject);
    }
  }
  return nodes;
}
