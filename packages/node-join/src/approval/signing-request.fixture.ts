import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { publicKeyDigest } from '@kube-rescue/x509';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
export const CSR = RESOURCE_KINDS.CertificateSigningRequest;

/** A key in `directory`, and a request made with it by openssl. */
export function request(
  folder: string,
  subject: string,
  options: { readonly key?: string; readonly more?: readonly string[] } = {},
) {
  const key = options.key ?? path.join(folder, `${Math.random()}.key`);
  if (options.key === undefined)
    execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  const more = options.more ?? [];
  const pem = execFileSync('openssl', ['req', '-new', '-key', key, '-subj', subject, ...more], {
    stdio: 'pipe',
  }).toString();
  return { key, pem, publicKey: publicKeyDigest(readFileSync(key, 'utf8')) };
}

export const NODE = '/O=system:nodes/CN=system:node:node02';

export function csrObject(name: string, pem: string, spec: object = {}) {
  const usages = ['digital signature', 'client auth'];
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: SIGNER,
      usages,
      username: 'system:bootstrap',
      ...spec,
    },
  };
}

export async function isApproved(store: Pick<ObjectStore, 'get'>, name: string): Promise<boolean> {
  const { conditions = [] } = ((await store.get({ kind: CSR, name }))?.object.status ?? {}) as {
    conditions?: readonly { type: string }[];
  };
  return conditions.some(({ type }) => type === 'Approved');
}

/** A kubelet's request for its serving certificate, as the API server keeps it since 1.27. */
export function servingObject(
  name: string,
  pem: string,
  spec: object = {},
  creationTimestamp = '2026-11-22T12:00:00Z',
) {
  const own = {
    signerName: 'kubernetes.io/kubelet-serving',
    usages: ['digital signature', 'server auth'],
    username: 'system:node:node02',
    groups: ['system:nodes', 'system:authenticated'],
    ...spec,
  };
  const object = csrObject(name, pem, own);
  return { ...object, metadata: { name, creationTimestamp } };
}
