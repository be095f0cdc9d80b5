import { isRecoveryError } from '@kube-rescue/errors';
import type { NewCredentialsDeps } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, ObjectsVia } from '@kube-rescue/recovery';
import { recovery, type Session } from '../wiring.ts';

/** The objects of the node's cluster as ingress DNS needs them, over the connection of the session. */
export async function openIngressObjects(
  way: { readonly via: ObjectsVia | undefined; readonly search: EtcdSearch },
  session: Session,
): Promise<Pick<NewCredentialsDeps, 'objects' | 'patchStep'>> {
  const { ingressObjects } = await recovery();
  const via = way.via ?? (await chooseVia(session));
  const objects = await session.openObjects();
  return ingressObjects({ ...session.node, via, search: way.search }, { ...session.deps, objects });
}

/** The API server while it is ready, because it knows every kind; etcd otherwise, also where nobody can tell. */
export async function chooseVia({ node, deps, interruption }: Session): Promise<ObjectsVia> {
  const { chooseObjectsVia } = await recovery();
  try {
    return await chooseObjectsVia(node, deps, interruption.signal);
  } catch (error) {
    interruption.signal.throwIfAborted();
    if (!isRecoveryError(error)) throw error;
    return 'etcd';
  }
}
