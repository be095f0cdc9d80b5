import type { KubernetesObject, ObjectAccess } from '@kube-rescue/cluster-objects';
import { addressesOf } from '@kube-rescue/node-join';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import { chooseVia } from '../objects-via.ts';
import type { Session } from '../wiring.ts';

/** The objects of the node's cluster: through the API server while it answers, from etcd otherwise. */
export async function openAccess(
  source: { readonly via: ObjectsVia | undefined; readonly search: EtcdSearch },
  session: Session,
): Promise<ObjectAccess> {
  const via = source.via ?? (await chooseVia(session));
  return session.node.objects.access({ via, search: source.search });
}

/** Finds a Node by its name, or by one of its addresses or host names. */
export async function findNode(
  host: string,
  access: ObjectAccess,
  signal: AbortSignal,
): Promise<KubernetesObject | undefined> {
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const store = await access.open(signal);
  const matches: KubernetesObject[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.Node, { signal, onUnreadable: () => undefined })) {
    if (object.metadata.name === host) return object;
    if (addressesOf(object).some(({ address }) => address === host)) matches.push(object);
  }
  return matches.length === 1 ? matches[0] : undefined;
}
