import {
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  RESOURCE_KINDS,
  type StoredObject,
  textAt,
} from '@kube-rescue/cluster-objects';

export const CSR = RESOURCE_KINDS.CertificateSigningRequest;

/** Every readable request. Any kubelet may create one: an odd one goes to `onUnreadable`, and does not stop the others. */
export async function listRequests(
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
  onUnreadable: (failure: Error) => void = () => undefined,
): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const read of store.list(CSR, { signal, onUnreadable })) found.push(read);
  return found;
}

/** No controller and no operator has answered. */
export function isPending(object: KubernetesObject): boolean {
  return !isSigned(object) && !['Approved', 'Denied', 'Failed'].some((type) => isAnswered(object, type));
}

export function isAnswered({ status }: KubernetesObject, type: string): boolean {
  return listAt(status, 'conditions').some((each) => each['type'] === type);
}

export function isSigned({ status }: KubernetesObject): boolean {
  return (textAt(status, 'certificate') ?? '') !== '';
}

/** The request with the condition that approves it. */
export function withApproval(object: KubernetesObject, now: Date, message: string): KubernetesObject {
  const time = `${now.toISOString().slice(0, 19)}Z`;
  const condition = {
    type: 'Approved',
    status: 'True',
    reason: 'KubeRescueApproved',
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  };
  const conditions = [...listAt(object.status, 'conditions'), condition];
  return { ...object, status: { ...fieldsAt(object, 'status'), conditions } };
}
