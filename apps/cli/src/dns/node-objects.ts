import type { NewCredentialsDeps } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/node';
import { chooseVia } from '../objects-via.ts';
import { type Session } from '../wiring.ts';

/** The objects of the node's cluster as ingress DNS needs them, over the connection of the session. */
export async function openIngressObjects(
  source: { readonly via: ObjectsVia | undefined; readonly search: EtcdSearch },
  session: Session,
): Promise<Pick<NewCredentialsDeps, 'objects' | 'patchStep'>> {
  const { ingressObjects } = await import('@kube-rescue/recovery');
  const via = source.via ?? (await chooseVia(session));
  return ingressObjects(session.node, { via, search: source.search });
}
