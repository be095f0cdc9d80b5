import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Certificate, containsCertificates, isSameCa, isSameSubject, parseCertificates } from '@kube-rescue/x509';

/** The ConfigMaps by which the cluster publishes its CA to service accounts and to extension API servers. */
const PUBLISHED = ['kube-root-ca.crt', 'extension-apiserver-authentication'];

/**
 * Finds the former CAs that the cluster's own ConfigMaps trust beside `current`: same subject, another key. So a rotation can
 * remove them from objects after no file of the node holds them. Reads only.
 *
 * @throws ObjectError when ConfigMaps cannot be listed
 */
export async function findFormerCas(
  current: Certificate,
  store: Pick<ObjectStore, 'list'>,
  signal: AbortSignal,
): Promise<readonly Certificate[]> {
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const former: Certificate[] = [];
  for await (const { object } of store.list(RESOURCE_KINDS.ConfigMap, { signal, onUnreadable: () => undefined })) {
    if (!PUBLISHED.includes(object.metadata.name)) continue;
    for (const text of Object.values((object['data'] ?? {}) as Record<string, unknown>)) {
      for (const certificate of certificatesIn(text, object.metadata.name)) {
        const isFormer = isSameSubject(certificate, current) && !isSameCa(certificate, current);
        if (isFormer && !former.some((each) => isSameCa(each, certificate))) former.push(certificate);
      }
    }
  }
  return former;
}

function certificatesIn(text: unknown, source: string): readonly Certificate[] {
  if (typeof text !== 'string' || !containsCertificates(text)) return [];
  try {
    return parseCertificates(text, source);
  } catch (error) {
    // No component trusts an unreadable bundle; the inspection of objects reports it.
    if (isRecoveryError(error)) return [];
    throw error;
  }
}
