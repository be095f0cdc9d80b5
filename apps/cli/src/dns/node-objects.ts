import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { NewCredentialsDeps } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/recovery';
import { recovery, type Session } from '../wiring.ts';

/** The objects of the node's cluster as ingress DNS needs them, over the connection of the session. */
export async function openIngressObjects(
  way: { readonly via: ObjectsVia | undefined; readonly search: EtcdSearch },
  session: Session,
): Promise<Pick<NewCredentialsDeps, 'objects' | 'patchStep'>> {
  const { ingressObjects } = await recovery();
  const via = way.via ?? (await chooseVia(way.search, session));
  const objects = await session.openObjects();
  return ingressObjects({ ...session.node, via, search: way.search }, { ...session.deps, objects });
}

/** The API server while it answers, because it knows every kind; etcd otherwise. */
export async function chooseVia(search: EtcdSearch, { openObjects, interruption }: Session): Promise<ObjectsVia> {
  const access = (await openObjects()).access({ via: 'api', search });
  const reference = { kind: RESOURCE_KINDS.Namespace, name: 'default' };
  return access
    .open(interruption.signal)
    .then((store) => store.get(reference, { signal: interruption.signal }))
    .then(
      () => 'api' as const,
      () => 'etcd' as const,
    );
}
