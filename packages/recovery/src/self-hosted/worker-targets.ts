import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { addressesOf, type Worker } from '@kube-rescue/node-join';
import type { WorkerTarget } from './options.ts';

/**
 * Workers by the Node that has their name or address; the kubelet recreates a deleted Node.
 *
 * A kubelet may report any address: a name of a Node comes first, and an address of two Nodes identifies neither.
 */
export async function findWorkers(
  targets: readonly WorkerTarget[],
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<readonly Omit<Worker, 'files'>[]> {
  if (targets.length === 0) return [];
  const names = new Set<string>();
  const byAddress = new Map<string, Set<string>>();
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal, onUnreadable: () => undefined })) {
    const { name } = object.metadata;
    names.add(name);
    for (const { address } of addressesOf(object))
      byAddress.set(address, (byAddress.get(address) ?? new Set()).add(name));
  }
  const nodeOf = (address: string): string => {
    const [only, ...others] = names.has(address) ? [address] : (byAddress.get(address) ?? []);
    return only === undefined || others.length > 0 ? address : only;
  };
  return targets.map((target) => ({ ...target, node: nodeOf(target.access.address) }));
}
