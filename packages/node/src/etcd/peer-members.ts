import { inspectCertificates } from '@kube-rescue/cert-rotation';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host, HttpProbe } from '@kube-rescue/host';
import { findFlag } from '@kube-rescue/node-config';
import { encodePem, encodePrivateKey, generateKey, issueFromScratch } from '@kube-rescue/x509';
import type { NodeDescription } from '../node-description.ts';

/** One member as etcd's peer port lists it. */
export interface PeerMember {
  /** Hexadecimal, as in etcdctl. */
  readonly id: string;
  /** Empty for a member that was added but never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  /** One of its peer ports accepts connections from this machine. */
  readonly accepts: boolean;
}

/** The members of etcd as the peer port of this node's member lists them. */
export interface PeerList {
  readonly url: string;
  readonly members: readonly PeerMember[];
}

interface PeerDeps {
  readonly host: Host;
  readonly clock: Clock;
}

const LIST_TIMEOUT_MS = 3000;
const CONNECT_TIMEOUT_MS = 1000;
/** The pair is used once; the CA's key signs nothing that lives longer. */
const PAIR_SECONDS = 600;
const PAIR_NAME = 'kube-rescue';
/** More members than any cluster has. */
const MAX_MEMBERS = 100;
/** More addresses than any member has; each is connected to. */
const MAX_URLS = 8;

/**
 * Lists the members through the peer port of this node's etcd. It responds where the client port does not: while the member waits
 * for a majority, and with every certificate expired (etcd, `etcdserver/api/etcdhttp/peer.go` `/members`).
 *
 * Sends no secret: it signs a client pair in memory with the key of the peer CA, valid for ten minutes. The list is the member's
 * own, possibly outdated. `undefined` without that key, with an expired CA, or when the port does not respond or is not trusted.
 * @throws nothing but the abort of `signal`
 */
export async function listPeerMembers(
  description: NodeDescription,
  { host, clock }: PeerDeps,
  signal: AbortSignal,
): Promise<PeerList | undefined> {
  const url = findPeerUrl(description);
  if (host.kind === 'copy' || url === undefined) return undefined;
  try {
    const credentials = url.startsWith('https:') ? await signPair(description, { host, clock }) : {};
    if (credentials === undefined) return undefined;
    const probe: HttpProbe = { url: `${url}/members`, timeoutMs: LIST_TIMEOUT_MS, signal, ...credentials };
    const { status, body, peer } = await host.request(probe);
    const isTrusted = peer === undefined || peer.trusted || peer.reason === 'CERT_HAS_EXPIRED';
    const listed = status === 200 && isTrusted ? parseMembers(body) : undefined;
    if (listed === undefined) return undefined;
    const members = await Promise.all(
      listed.map(async (member) => ({ ...member, accepts: await acceptsConnections(member.peerUrls, host, signal) })),
    );
    return { url, members };
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/** The address that the member listens on for its peers; on all addresses it listens on loopback too. */
function findPeerUrl({ components }: NodeDescription): string | undefined {
  const flags = ['listen-peer-urls', 'initial-advertise-peer-urls'];
  const values = flags.map((flag) => findFlag(components, { component: 'etcd', flag }) ?? '');
  const url = values.flatMap((value) => value.split(',')).find((value) => /^https?:\/\//.test(value.trim()));
  return url?.trim().replace(/\/$/, '').replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

async function signPair(
  { inspection }: NodeDescription,
  { host, clock }: PeerDeps,
): Promise<Pick<HttpProbe, 'ca' | 'client'> | undefined> {
  const { cas } = await inspectCertificates(inspection, { host });
  const ca = cas.find(({ id }) => id === 'etcd-peer') ?? cas.find(({ id }) => id === 'etcd');
  if (ca?.issuer.ok !== true || !ca.bundle.ok) return undefined;
  const { certificate, key: caKey, keyPath } = ca.issuer.value;
  const now = clock.now();
  if (now < certificate.notBefore || now > certificate.notAfter) return undefined;
  const key = await generateKey('ecdsa-p256');
  const issued = await issueFromScratch({
    subject: { commonName: PAIR_NAME },
    usages: ['client'],
    publicKey: key,
    issuer: { certificate, key: caKey, keySource: keyPath },
    validity: { notBefore: now, notAfter: new Date(now.getTime() + PAIR_SECONDS * 1000) },
  });
  return {
    ca: ca.bundle.value.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
    client: { certificate: encodePem('CERTIFICATE', issued.der), key: encodePrivateKey(key, 'PRIVATE KEY') },
  };
}

/** Member ids are 64-bit numbers, which `JSON.parse` would round. */
function parseMembers(body: string): readonly Omit<PeerMember, 'accepts'>[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.replaceAll(/"id"\s*:\s*(\d{1,20})/g, '"id":"$1"'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_MEMBERS) return undefined;
  const members = value.map(parseMember);
  return members.every((member) => member !== undefined) ? members : undefined;
}

function parseMember(value: unknown): Omit<PeerMember, 'accepts'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, name, peerURLs, clientURLs, isLearner } = value as Readonly<Record<string, unknown>>;
  // 64 bits without a sign; a text that is no number would throw.
  if (typeof id !== 'string' || !/^\d{1,20}$/.test(id)) return undefined;
  return {
    id: BigInt(id).toString(16),
    name: typeof name === 'string' ? name : '',
    peerUrls: textsOf(peerURLs),
    clientUrls: textsOf(clientURLs),
    isLearner: isLearner === true,
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, MAX_URLS) : [];
}

async function acceptsConnections(urls: readonly string[], host: Host, signal: AbortSignal): Promise<boolean> {
  const results = await Promise.all(
    urls.map(async (text) => {
      const url = URL.parse(text);
      if (url === null) return false;
      try {
        const name = url.hostname.replace(/^\[|\]$/g, '');
        const socket = await host.connect({
          host: name,
          port: Number(url.port),
          timeoutMs: CONNECT_TIMEOUT_MS,
          signal,
        });
        socket.destroy();
        return true;
      } catch (error) {
        signal.throwIfAborted();
        if (isRecoveryError(error)) return false;
        throw error;
      }
    }),
  );
  return results.includes(true);
}
