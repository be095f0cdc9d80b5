import { randomBytes } from 'node:crypto';
import { type Clock, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import {
  type Certificate,
  createCa,
  encodePem,
  encodePrivateKey,
  generateKey,
  issueFromScratch,
  type Usage,
} from '@kube-rescue/x509';
import type { ServerFiles } from './server-flags.ts';

/** Certificate and key as PEM. */
interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** The temporary PKI; the key of its CA is nowhere. */
export interface ThrowawayPki {
  /** PEM. */
  readonly ca: string;
  readonly server: Pair;
  /** For the throwaway etcd. */
  readonly client: Pair;
  /** Signs the tokens of service accounts, which no other server accepts. */
  readonly tokenKey: string;
}

/** The only user of the throwaway API server. */
const THROWAWAY_USER = 'kube-rescue';

const PRIVATE_FILE_MODE = 0o600;
const CLOCK_TOLERANCE_MS = 60 * 60_000;
/** Longer than anyone reads a broken cluster. */
const LIFETIME_MS = 30 * 24 * 60 * 60_000;
const TOKEN_BYTES = 32;

/** Makes the PKI in memory. @throws X509Error */
export async function makePki({ clock }: { readonly clock: Clock }): Promise<ThrowawayPki> {
  const now = clock.now().getTime();
  const validity = { notBefore: new Date(now - CLOCK_TOLERANCE_MS), notAfter: new Date(now + LIFETIME_MS) };
  const caKey = await generateKey('ecdsa-p256');
  const ca = await createCa({ commonName: 'kube-rescue-throwaway-ca', key: caKey, validity });
  const issue = async (commonName: string, usages: readonly Usage[], names: readonly string[]): Promise<Pair> => {
    const key = await generateKey('ecdsa-p256');
    const issuer = { certificate: ca, key: caKey, keySource: 'the throwaway CA' };
    const issued = await issueFromScratch({ subject: { commonName }, names, usages, publicKey: key, issuer, validity });
    return { certificate: pemOf(issued), key: encodePrivateKey(key, 'PRIVATE KEY') };
  };
  return {
    ca: pemOf(ca),
    // Peers of etcd are clients and servers.
    server: await issue('kube-rescue-throwaway', ['server', 'client'], ['localhost', '127.0.0.1']),
    client: await issue(THROWAWAY_USER, ['client'], []),
    // An API server reads the public half of a key in this form alone (client-go `util/keyutil` ParsePublicKeysPEM).
    tokenKey: encodePrivateKey(await generateKey('ecdsa-p256'), 'EC PRIVATE KEY'),
  };
}

function pemOf({ der }: Certificate): string {
  return encodePem('CERTIFICATE', der);
}

/** The files in the memory-backed directory. */
export interface WrittenFiles extends ServerFiles {
  readonly ca: HostPath;
  readonly client: { readonly certificate: HostPath; readonly key: HostPath };
  readonly kubeconfig: HostPath;
}

/**
 * Writes the PKI, the user with its token, what it may do, and its kubeconfig (all mode 0600) into `directory`.
 *
 * Connections of the server to kubelets, pods, webhooks and aggregated APIs lead to a socket that does not exist, so that it cannot
 * call out.
 * @throws HostError
 */
export async function writeServerFiles(
  { directory, pki, server, isWritable }: ServerFilesInput,
  { host }: { readonly host: Pick<Host, 'writeFile'> },
): Promise<WrittenFiles> {
  const at = (name: string): HostPath => joinPath(directory, name);
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const texts = {
    'ca.crt': pki.ca,
    'server.crt': pki.server.certificate,
    'server.key': pki.server.key,
    'client.crt': pki.client.certificate,
    'client.key': pki.client.key,
    'sa.key': pki.tokenKey,
    'tokens.csv': `${token},${THROWAWAY_USER},${THROWAWAY_USER}${isWritable ? ',system:masters' : ''}\n`,
    'policy.jsonl': `${policies(isWritable).map(asLine).join('\n')}\n`,
    'egress.yaml': egressConfiguration(at('calls-out-are-disabled')),
    kubeconfig: kubeconfigOf({ server, token, ca: pki.ca }),
  };
  for (const [name, text] of Object.entries(texts)) {
    await host.writeFile(at(name), Buffer.from(text), { mode: PRIVATE_FILE_MODE, isOwn: true });
  }
  return {
    ...{ directory, ca: at('ca.crt'), certificate: at('server.crt'), key: at('server.key') },
    ...{ tokens: at('tokens.csv'), policy: at('policy.jsonl'), egress: at('egress.yaml'), tokenKey: at('sa.key') },
    ...{ client: { certificate: at('client.crt'), key: at('client.key') }, kubeconfig: at('kubeconfig') },
  };
}

interface ServerFilesInput {
  readonly directory: HostPath;
  readonly pki: ThrowawayPki;
  /** URL of the API server. */
  readonly server: string;
  readonly isWritable: boolean;
}

type Policy = Readonly<Record<string, string | boolean>>;

/** Reviews of one's own rights are created, and stored nowhere. */
function policies(isWritable: boolean): readonly Policy[] {
  const user = THROWAWAY_USER;
  return [
    { user, namespace: '*', resource: '*', apiGroup: '*', readonly: !isWritable },
    { user, nonResourcePath: '*', readonly: !isWritable },
    { user, namespace: '*', resource: 'selfsubjectaccessreviews', apiGroup: 'authorization.k8s.io' },
    { user, namespace: '*', resource: 'selfsubjectrulesreviews', apiGroup: 'authorization.k8s.io' },
    { user, namespace: '*', resource: 'selfsubjectreviews', apiGroup: 'authentication.k8s.io' },
    { group: 'system:unauthenticated', nonResourcePath: '/readyz', readonly: true },
  ];
}

function asLine(spec: Policy): string {
  return JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });
}

function egressConfiguration(socket: HostPath): string {
  const connection = { proxyProtocol: 'HTTPConnect', transport: { uds: { udsName: socket } } };
  const egressSelections = ['cluster', 'controlplane'].map((name) => ({ name, connection }));
  const kind = 'EgressSelectorConfiguration';
  return `${JSON.stringify({ apiVersion: 'apiserver.k8s.io/v1beta1', kind, egressSelections })}\n`;
}

/** JSON is YAML. */
function kubeconfigOf({ server, token, ca }: { server: string; token: string; ca: string }): string {
  const name = 'kube-rescue-throwaway';
  const data = Buffer.from(ca).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: THROWAWAY_USER, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: THROWAWAY_USER } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
