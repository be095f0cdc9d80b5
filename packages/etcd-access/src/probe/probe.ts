import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { type ClientCredentials, readClientCredentials, readText, type RuledOut } from './client-credentials.ts';
import { EtcdError } from '../errors.ts';
import type { EtcdTls } from '../transport/tls-options.ts';
import { type EtcdMaterial, type EtcdSources, findEtcdMaterial, type PairPaths } from './etcd-sources.ts';
import { type EtcdctlLine, etcdctlLine } from './etcdctl-line.ts';
import { readCertificates } from '@kube-rescue/x509';
import { type Credentials, findConnection, type ProbeAttempt } from './connection.ts';

export interface ProbeRequest extends EtcdSources {
  /** Look for a way in also to servers whose certificates have expired. Default: false. */
  readonly acceptExpiredServer?: boolean | undefined;
  /** For each attempt. Default: 3000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ProbeDeps {
  readonly host: Pick<Host, 'connect' | 'readFile' | 'list' | 'stat'>;
  readonly clock: Clock;
}

/** A combination that works. */
export interface EtcdConnection {
  readonly endpoint: string;
  readonly ca: HostPath | undefined;
  readonly client: PairPaths | undefined;
  readonly serverName: string | undefined;
  readonly hasQuorum: boolean;
  readonly isServerExpired: boolean;
  readonly etcdctl: EtcdctlLine;
}

export interface EtcdProbe {
  /** The best combination; `undefined` when none works. */
  readonly working: EtcdConnection | undefined;
  /** Everything that was tried or ruled out, and why it failed. */
  readonly attempts: readonly ProbeAttempt[];
}

const TIMEOUT_MS = 3000;
const ENDPOINTS_AT_ONCE = 8;

/**
 * Finds the way into etcd with the certificates that are lying around on a control-plane node.
 *
 * Looks at the flags of the components that are given, kubeadm's and Tectonic's folders, checkpointed Secrets, a set of
 * tls_rotate and the environment; rules out on the disk what cannot work; then tries the endpoints, several at a time.
 * Changes nothing. Says nothing about members that nobody names.
 */
export async function probeEtcd(request: ProbeRequest, { host, clock }: ProbeDeps): Promise<EtcdProbe> {
  const material = await findEtcdMaterial(request, { host });
  const { credentials, ruledOut } = await readCredentials(material, { host, now: clock.now() });
  const { acceptExpiredServer = false, timeoutMs = TIMEOUT_MS, signal } = request;
  const tried: ProbeAttempt[] = [];
  for (let at = 0; at < material.endpoints.length; at += ENDPOINTS_AT_ONCE) {
    const some = material.endpoints.slice(at, at + ENDPOINTS_AT_ONCE);
    const attempts = await Promise.all(
      some.map(({ value: endpoint }) =>
        findConnection({ endpoint, credentials, acceptExpiredServer, timeoutMs, signal }, { host, clock }),
      ),
    );
    tried.push(...attempts.flat());
  }
  return { working: chooseWayIn(tried), attempts: [...ruledOut, ...tried] };
}

/** Reads the files of a way in, for `openEtcd`. @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS` when the probe found none, or a file is gone */
export async function readConnection(
  { working }: EtcdProbe,
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<{ readonly endpoints: readonly string[]; readonly tls: EtcdTls | undefined }> {
  if (working === undefined) throw noConnection('none of the combinations that were tried opens it', 'etcd');
  const { endpoint, serverName, isServerExpired } = working;
  if (working.ca === undefined) return { endpoints: [endpoint], tls: undefined };
  const read = async (path: HostPath): Promise<string> => {
    const text = await readText(path, host);
    if (typeof text === 'string') return text;
    throw noConnection(text.message, path);
  };
  const client = working.client && {
    certificate: await read(working.client.certificate),
    key: await read(working.client.key),
  };
  const tls = { ca: await read(working.ca), client, serverName, acceptExpiredServer: isServerExpired };
  return { endpoints: [endpoint], tls };
}

async function readCredentials(
  material: EtcdMaterial,
  deps: { readonly host: Pick<Host, 'readFile'>; readonly now: Date },
): Promise<{ readonly credentials: Credentials; readonly ruledOut: readonly ProbeAttempt[] }> {
  const ruledOut: ProbeAttempt[] = [];
  const cas = new Map<string, Credentials['cas'][number]>();
  for (const ca of material.cas) {
    const pem = await readText(ca.value, deps.host);
    const fingerprint = typeof pem === 'string' ? fingerprintOf(pem) : '';
    if (typeof pem !== 'string') ruledOut.push(ruledOutAttempt({ ca: ca.value }, pem));
    else if (fingerprint === '') ruledOut.push(ruledOutAttempt({ ca: ca.value }, noCertificate(ca.value)));
    else if (!cas.has(fingerprint)) cas.set(fingerprint, { ...ca, pem });
  }
  const clients = new Map<string, ClientCredentials>();
  for (const pair of material.clients) {
    const read = await readClientCredentials(pair, deps);
    if ('code' in read) ruledOut.push(ruledOutAttempt({ client: pair.value }, read));
    else if (!clients.has(fingerprintOf(read.certificate))) clients.set(fingerprintOf(read.certificate), read);
  }
  const serverNames = new Set<string>();
  for (const { value } of material.serverCertificates) {
    const pem = await readText(value, deps.host);
    if (typeof pem === 'string') for (const name of namesIn(pem)) serverNames.add(name);
  }
  return {
    credentials: { cas: [...cas.values()], clients: [...clients.values()], serverNames: [...serverNames] },
    ruledOut,
  };
}

/** Works with quorum before without, valid before expired, the endpoint's own name before another; else the first found. */
function chooseWayIn(attempts: readonly ProbeAttempt[]): EtcdConnection | undefined {
  const cost = ({ outcome, isServerExpired, serverName }: ProbeAttempt): number =>
    (outcome === 'works' ? 0 : 4) + (isServerExpired ? 2 : 0) + (serverName === undefined ? 0 : 1);
  const [best] = attempts
    .filter(({ outcome }) => outcome === 'works' || outcome === 'no-quorum')
    .toSorted((a, b) => cost(a) - cost(b));
  if (best?.endpoint === undefined) return undefined;
  const { endpoint, ca, client, serverName, isServerExpired } = best;
  const etcdctl = etcdctlLine({ endpoints: [endpoint], ca, client, serverName, isServerExpired });
  return { endpoint, ca, client, serverName, isServerExpired, hasQuorum: best.outcome === 'works', etcdctl };
}

function ruledOutAttempt(
  what: { readonly ca?: HostPath; readonly client?: PairPaths },
  { code, message }: RuledOut,
): ProbeAttempt {
  const { ca, client } = what;
  return {
    endpoint: undefined,
    ca,
    client,
    serverName: undefined,
    outcome: 'ruled-out',
    code,
    message,
    isServerExpired: false,
  };
}

function fingerprintOf(pem: string): string {
  return readCertificates(pem)
    .map(({ fingerprint256 }) => fingerprint256)
    .join(' ');
}

/** DNS names that a certificate is for; of a wildcard, a name that it matches. */
function namesIn(pem: string): readonly string[] {
  const [leaf] = readCertificates(pem);
  const names = [...(leaf?.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return names.map((name) => name.replace(/^\*\./, 'etcd.'));
}

function noCertificate(path: HostPath): RuledOut {
  return { code: 'ETCD_CREDENTIALS_INVALID', message: `${path} holds no certificate` };
}

function noConnection(reason: string, subject: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    message: `cannot get into etcd: ${reason}`,
    subject,
    hint: 'look at what each attempt says; renew the client certificate, or give the right CA, pair and endpoint',
  });
}
