import {
  type CredentialField,
  type FileReader,
  type Kubeconfig,
  type KubeconfigCredential,
  readNamedFile,
} from '@kube-rescue/node-config';
import type { HostPath } from '@kube-rescue/host';
import {
  type Certificate,
  findLeafFault,
  findPrivateKeyFault,
  parseCertificates,
  parsePrivateKey,
  type PrivateKey,
} from '@kube-rescue/x509';
import { attemptPem, type Reading } from './reading.ts';

/** Location of a certificate or key: a PEM file, or a field of a kubeconfig. */
export type CredentialLocation =
  | { readonly in: 'file'; readonly path: HostPath }
  | { readonly in: 'kubeconfig'; readonly path: HostPath; readonly field: CredentialField };

/** A certificate and its key, with their locations. Carries the key as a `KeyObject`, never as text. */
export interface Credentials {
  readonly certificateLocation: CredentialLocation;
  readonly keyLocation: CredentialLocation;
  readonly certificate: Reading<Certificate>;
  /** The certificates behind it in the same file, which a TLS server or client sends too; empty when it cannot be read. */
  readonly intermediates: readonly Certificate[];
  readonly key: Reading<PrivateKey>;
}

async function readSent(
  read: () => Promise<string>,
  path: HostPath,
): Promise<Pick<Credentials, 'certificate' | 'intermediates'>> {
  const sent = await attemptPem(read, (text) => parseCertificates(text, path), findLeafFault);
  if (!sent.ok) return { certificate: sent, intermediates: [] };
  const [leaf, ...intermediates] = sent.value;
  return { certificate: { ...sent, value: leaf }, intermediates };
}

/** Reads a pair of files; both paths are the same for a combined PEM. */
export async function readFileCredentials(
  reader: FileReader,
  certificatePath: HostPath,
  keyPath: HostPath,
): Promise<Credentials> {
  return {
    certificateLocation: { in: 'file', path: certificatePath },
    keyLocation: { in: 'file', path: keyPath },
    ...(await readSent(() => readNamedFile(reader, certificatePath, 'PKI_CERTIFICATE_MISSING'), certificatePath)),
    key: await attemptPem(
      () => readNamedFile(reader, keyPath, 'PKI_KEY_MISSING'),
      (text) => parsePrivateKey(text, keyPath),
      findPrivateKeyFault,
    ),
  };
}

function locationOf(part: KubeconfigCredential, kubeconfig: HostPath, field: CredentialField): CredentialLocation {
  return part.in === 'file' ? part : { in: 'kubeconfig', path: kubeconfig, field };
}

/** Reads the credentials that a kubeconfig embeds or names. */
export async function readKubeconfigCredentials(
  reader: FileReader,
  kubeconfig: Pick<Kubeconfig, 'path'>,
  certificate: KubeconfigCredential,
  key: KubeconfigCredential,
): Promise<Credentials> {
  const text = async (part: KubeconfigCredential, missing: 'PKI_CERTIFICATE_MISSING' | 'PKI_KEY_MISSING') =>
    part.in === 'file' ? readNamedFile(reader, part.path, missing) : part.text;
  const certificateLocation = locationOf(certificate, kubeconfig.path, 'client-certificate-data');
  const keyLocation = locationOf(key, kubeconfig.path, 'client-key-data');
  return {
    certificateLocation,
    keyLocation,
    ...(await readSent(async () => text(certificate, 'PKI_CERTIFICATE_MISSING'), certificateLocation.path)),
    key: await attemptPem(
      async () => text(key, 'PKI_KEY_MISSING'),
      (pem) => parsePrivateKey(pem, keyLocation.path),
      findPrivateKeyFault,
    ),
  };
}
