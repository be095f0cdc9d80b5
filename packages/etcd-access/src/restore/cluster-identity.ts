import { fieldsAt, RESOURCE_KINDS, type ResourceKind, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { parseCertificates } from '@kube-rescue/x509';
import type { SnapshotFile } from './snapshot-file.ts';

/** What a database says of its cluster; each part `undefined` when it is missing or cannot be read. */
export interface ClusterIdentity {
  /** UID of the namespace `kube-system`, which lives as long as the cluster. */
  readonly uid: string | undefined;
  /** Public keys of the CAs that the API server accepts clients of. */
  readonly caKeys: readonly string[] | undefined;
  /** The newest renewal of a lease: until then the database is complete. */
  readonly renewedAt: Date | undefined;
}

const keysBelow = (prefix: string) => ({
  namespace: `${prefix}/namespaces/kube-system`,
  // The API server itself keeps it up to date (Kubernetes, `pkg/controlplane/controller/clusterauthenticationtrust`).
  authentication: `${prefix}/configmaps/kube-system/extension-apiserver-authentication`,
  leases: `${prefix}/leases/*`,
});

/** The keys of a snapshot that {@link readClusterIdentity} needs. @param prefix as `--etcd-prefix` */
export function identityKeys(prefix: string): readonly string[] {
  return Object.values(keysBelow(prefix));
}

/** The identity in a snapshot that was read with {@link identityKeys}. */
export async function readClusterIdentity(
  { values }: Pick<SnapshotFile, 'values'>,
  prefix: string,
): Promise<ClusterIdentity> {
  // The codecs of objects take a while to load, and the kind of change alone has no use for them.
  const { readStoredValue } = await import('../objects/stored-value.ts');
  const keys = keysBelow(prefix);
  const objectAt = (key: string, kind: ResourceKind): unknown => {
    const value = values.get(key);
    return value === undefined ? undefined : attempt(() => readStoredValue(value, kind, key).object);
  };
  const trust = textAt(fieldsAt(objectAt(keys.authentication, RESOURCE_KINDS.ConfigMap), 'data'), 'client-ca-file');
  const renewed = textAt(fieldsAt(objectAt(keys.leases, RESOURCE_KINDS.Lease), 'spec'), 'renewTime');
  const renewedAt = new Date(renewed ?? Number.NaN);
  return {
    uid: textAt(fieldsAt(objectAt(keys.namespace, RESOURCE_KINDS.Namespace), 'metadata'), 'uid'),
    caKeys: trust === undefined ? undefined : attempt(() => caKeysIn(trust, keys.authentication)),
    renewedAt: Number.isNaN(renewedAt.getTime()) ? undefined : renewedAt,
  };
}

/** The public keys of the certificates in a PEM text. @throws PkiError */
export function caKeysIn(pem: string, source: string): readonly string[] {
  return parseCertificates(pem, source).map(({ publicKeyDer }) => Buffer.from(publicKeyDer).toString('base64'));
}

/** A value that is encrypted or damaged tells nothing. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
