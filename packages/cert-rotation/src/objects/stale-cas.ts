import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { type Certificate, isSameCa, isSameCertificate, parseCertificate, readPem } from '@kube-rescue/x509';
import { attempt } from '../inventory/reading.ts';
import { readFields } from './object-fields.ts';

/**
 * Finds the CAs that pods get to verify the API server (`ca.crt` of service accounts, `kube-root-ca.crt`), in bundles without the
 * CA of the API server. Reads only.
 *
 * @param input.root the CA of the API server certificate
 * @throws ObjectError when Secrets or ConfigMaps cannot be listed
 */
export async function findStaleCas(input: {
  readonly store: Pick<ObjectStore, 'list'>;
  readonly root: Certificate;
  readonly signal?: AbortSignal | undefined;
}): Promise<readonly Certificate[]> {
  const { store, root, signal } = input;
  const { RESOURCE_KINDS } = await import('@kube-rescue/cluster-objects');
  const stale: Certificate[] = [];
  const onUnreadable = (): void => undefined;
  for (const kind of [RESOURCE_KINDS.Secret, RESOURCE_KINDS.ConfigMap]) {
    for await (const read of store.list(kind, { signal, onUnreadable })) {
      for (const { purpose, key, bytes } of readFields(read)) {
        if (purpose !== 'api-server-trust' || key !== 'ca.crt') continue;
        const held = await certificatesIn(bytes, key);
        if (held.some((each) => isSameCertificate(each, root))) continue;
        stale.push(...held.filter((each) => !stale.some((known) => isSameCa(known, each))));
      }
    }
  }
  return stale;
}

/** Skips an unreadable bundle: the step that changes it reports it. */
async function certificatesIn(bytes: Uint8Array, source: string): Promise<readonly Certificate[]> {
  const read = await attempt(() =>
    readPem(Buffer.from(bytes).toString('latin1'), source)
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => parseCertificate(der, source)),
  );
  return read.ok ? read.value : [];
}
