import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { type ClientCredentials, readClientCredentials, readText, type RuledOut } from './client-credentials.ts';
import { EtcdError } from '../errors.ts';
import type { EtcdTls } from '../transport/tls-options.ts';
import { type EtcdMaterial, type EtcdSources, findEtcdMaterial, type PairPaths } from './etcd-sources.ts';
import { type EtcdctlLine, etcdctlLine } from './etcdctl-line.ts';
import { readCertificates } from '@kube-rescue/x509';
import { type Credentials, findConnection, type ProbeAttempt } from './connection.ts';

export interface ProbeRequest extends EtcdSources {
  /** Accept servers whose certificates have expired. Default: false. */
  readonly acceptExpiredServer?: boolean | undefined;
  /** For each attempt. Default: 3000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ProbeDeps {
  readonly host: Pick<Host, 'connect' | 'readFile' | 'list' | 'stat'>;
  readonly clock: Clock;
}

/** A working combination. */
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
  /** Every attempt and every ruled-out file, with the reason. */
  readonly attempts: readonly ProbeAttempt[];
}

const TIMEOUT_MS = 3000;
const ENDPOINTS_AT_ONCE = 8;

/**
 * Finds working endpoints and credentials for etcd on a control-plane node.
 *
 * Reads the flags of the given components, kubeadm's and Tectonic's directories, checkpointed Secrets, a tls_rotate set and
 * the environment; rules out unusable files; then tries the endpoints, several at a time.
 * Changes nothing. Members at unknown endpoints are not found.
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
  return { working: chooseConnection(tried), attempts: [...ruledOut, ...tried] };
}

/** Reads the files of the working connection, for `openEtcd`. @throws EtcdError `ETCD_NO_WORKING_CREDENTIALS` when the probe found none, or a file is missing */
export async function readConnection(
  { working }: EtcdProbe,
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<{ readonly endpoints: readonly string[]; readonly tls: EtcdTls | undefined }> {
  if (working === undefined) throw noConnection('no combination of endpoint and credentials works', 'etcd');
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

/** Prefers quorum, then a valid server certificate, then the endpoint's own name, then the first found. */
function chooseConnection(attempts: readonly ProbeAttempt[]): EtcdConnection | undefined {
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

/** DNS names of a certificate; for a wildcard, a matching name. */
function namesIn(pem: string): readonly string[] {
  const [leaf] = readCertificates(pem);
  const names = [...(leaf?.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return names.map((name) => name.replace(/^\*\./, 'etcd.'));
}

function noCertificate(path: HostPath): RuledOut {
  return { code: 'ETCD_CREDENTIALS_INVALID', message: `${path} contains no certificate` };
}

function noConnection(reason: string, subject: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_NO_WORKING_CREDENTIALS',
    message: `cannot connect to etcd: ${reason}`,
    subject,
    hint: 'see the error of each attempt; renew the client certificate, or pass the right CA, client pair and endpoint',
  });
}
