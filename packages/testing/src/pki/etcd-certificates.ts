import { generateKeyPairSync } from 'node:crypto';
import { issueCertificate } from './openssl-ca.ts';
import type { KeyPair } from './pki.ts';

export interface EtcdPkiOptions {
  /** Subject alternative names of the server certificate, in OpenSSL's syntax. Default: localhost by name and address. */
  readonly serverNames?: string | undefined;
  /** The server certificate expired yesterday. Default: false. */
  readonly expiredServer?: boolean | undefined;
  /** The client certificate expired yesterday. Default: false. */
  readonly expiredClient?: boolean | undefined;
  /** The CA expired yesterday. Default: false. */
  readonly expiredCa?: boolean | undefined;
  /** The server certificate is signed by an intermediate CA, and the server presents both. Default: false. */
  readonly intermediate?: boolean | undefined;
  /** Extension lines of the server certificate. Default: those that etcd needs. */
  readonly serverExtensions?: readonly string[] | undefined;
  /** Extension lines of the intermediate CA. Default: those of a CA. */
  readonly intermediateExtensions?: readonly string[] | undefined;
  /** Extension lines of the CA. Default: those of a CA. */
  readonly caExtensions?: readonly string[] | undefined;
  /** Certificates are valid from 30 days before this time until one day after it. Default: the machine's time. */
  readonly now?: Date | undefined;
}

/** The certificates of an etcd cluster and its client, PEM; an intermediate certificate may follow. */
export interface EtcdPki {
  readonly ca: KeyPair;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_LINES = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'] as const;
const LEAF_LINES = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'] as const;
const SERVER_LINES = [...LEAF_LINES, 'extendedKeyUsage=serverAuth,clientAuth'];

/** A PKI as etcd uses it, P-256, issued by the `openssl` program. */
export async function buildEtcdPki(options: EtcdPkiOptions = {}): Promise<EtcdPki> {
  const now = options.now ?? new Date();
  const until = (expired: boolean | undefined) => ({
    notBefore: new Date(now.getTime() - 30 * DAY_MS),
    notAfter: new Date(now.getTime() + (expired === true ? -DAY_MS : DAY_MS)),
  });
  const caKey = newKey();
  const ca = {
    key: caKey,
    certificate: await issueCertificate({
      subject: '/CN=etcd-ca',
      extensions: options.caExtensions ?? CA_LINES,
      key: caKey,
      ...until(options.expiredCa),
    }),
  };
  const intermediate = options.intermediate === true ? await issueIntermediate(ca, options, until(false)) : undefined;
  const serverKey = newKey();
  const names = options.serverNames ?? 'DNS:localhost,IP:127.0.0.1,IP:::1';
  const server = await issueCertificate({
    subject: '/CN=node01',
    extensions: [...(options.serverExtensions ?? SERVER_LINES), `subjectAltName=${names}`],
    key: serverKey,
    issuer: intermediate ?? ca,
    ...until(options.expiredServer),
  });
  const clientKey = newKey();
  const client = await issueCertificate({
    subject: '/CN=kube-apiserver-etcd-client',
    extensions: [...LEAF_LINES, 'extendedKeyUsage=clientAuth'],
    key: clientKey,
    issuer: ca,
    ...until(options.expiredClient),
  });
  return {
    ca,
    server: { certificate: server + (intermediate?.certificate ?? ''), key: serverKey },
    client: { certificate: client, key: clientKey },
  };
}

type Validity = { readonly notBefore: Date; readonly notAfter: Date };

async function issueIntermediate(ca: KeyPair, options: EtcdPkiOptions, validity: Validity): Promise<KeyPair> {
  const key = newKey();
  const extensions = options.intermediateExtensions ?? CA_LINES;
  const certificate = await issueCertificate({ subject: '/CN=etcd-ca-2', extensions, key, issuer: ca, ...validity });
  return { key, certificate };
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}
