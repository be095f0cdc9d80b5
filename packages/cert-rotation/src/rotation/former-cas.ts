import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { type Certificate, containsCertificates, isSameCa, isSameSubject, parseCertificates } from '@kube-rescue/x509';

/** What the cluster itself hands out: to service accounts, and to extension API servers. */
const PUBLISHED = ['kube-root-ca.crt', 'extension-apiserver-authentication'];

/**
 * The former authorities that the cluster's own ConfigMaps trust beside one: of the same name, with another key. That is how
 * what a rotation left behind is recognised when no file of the node tells of it any more.
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
    // What cannot be read is trusted by nobody, and told of by whoever looks at the objects.
    if (isRecoveryError(error)) return [];
    throw error;
  }
}
