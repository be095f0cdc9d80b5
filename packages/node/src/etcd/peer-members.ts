import { isRecoveryError } from '@kube-rescue/errors';
import type { HttpProbe } from '@kube-rescue/host';
import { findFlag } from '@kube-rescue/node-config';
import type { NodeDescription } from '../node-description.ts';
import { inspectPeer, type PeerStatus } from './peer-status.ts';
import { openPeerTrust, type PeerDeps, type PeerTrust } from './peer-trust.ts';

/** One member as etcd lists it. */
export interface ListedMember {
  /** Hexadecimal, as in etcdctl. */
  readonly id: string;
  /** Empty for a member that was added but never started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** One member, and what it shows on its peer port. */
export interface PeerMember extends ListedMember, PeerStatus {
  /** By its name or its peer URL in the flags of this node's etcd. */
  readonly isThisNode: boolean;
}

/** The members of etcd as this node's member lists them. */
export interface PeerList {
  /** The port that lists them. */
  readonly url: string;
  readonly members: readonly PeerMember[];
}

const LIST_TIMEOUT_MS = 3000;
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
    const trust = await openPeerTrust(description, { host, clock });
    const { ca, client } = trust;
    if (url.startsWith('https:') && client === undefined) return undefined;
    const probe: HttpProbe = { url: `${url}/members`, timeoutMs: LIST_TIMEOUT_MS, signal, ca, client };
    const { status, body, peer } = await host.request(probe);
    const isTrusted = peer === undefined || peer.trusted || peer.reason === 'CERT_HAS_EXPIRED';
    const listed = status === 200 && isTrusted ? parseMembers(body) : undefined;
    if (listed === undefined) return undefined;
    return { url, members: await inspectAll(listed, trust, description, { host, clock }, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

/**
 * Asks the peer port of each member what it presents, from this machine. Works while every certificate has expired.
 *
 * Sends no secret, and changes nothing. A member whose port answers may still be refused by the others.
 * @throws the abort of `signal`; HostError of a CA file that exists but cannot be read
 */
export async function inspectPeers(
  members: readonly ListedMember[],
  description: NodeDescription,
  deps: PeerDeps,
  signal: AbortSignal,
): Promise<readonly PeerMember[]> {
  return inspectAll(members, await openPeerTrust(description, deps), description, deps, signal);
}

async function inspectAll(
  members: readonly ListedMember[],
  trust: PeerTrust,
  description: NodeDescription,
  deps: PeerDeps,
  signal: AbortSignal,
): Promise<readonly PeerMember[]> {
  return Promise.all(
    members.map(async ({ id, name, peerUrls, clientUrls, isLearner }) => ({
      ...{ id, name, peerUrls, clientUrls, isLearner },
      ...(await inspectUrls(peerUrls, trust, deps, signal)),
      isThisNode: isOwnMember({ name, peerUrls }, description),
    })),
  );
}

/** Whether a listed member is the one of this node: by its name or its peer URL in the flags. Pure. */
export function isOwnMember(
  { name, peerUrls }: Pick<ListedMember, 'name' | 'peerUrls'>,
  description: NodeDescription,
): boolean {
  const own = ['name', ...PEER_FLAGS].flatMap((flag) => flagValues(description, flag));
  return [name, ...peerUrls].some((value) => value !== '' && own.includes(value));
}

async function inspectUrls(
  urls: readonly string[],
  trust: PeerTrust,
  deps: PeerDeps,
  signal: AbortSignal,
): Promise<PeerStatus> {
  const valid = urls.slice(0, MAX_URLS).filter((url) => URL.canParse(url));
  const found = await Promise.all(valid.map((url) => inspectPeer(url.replace(/\/$/, ''), trust, deps, signal)));
  const best = found.find(({ accepts }) => accepts) ?? found[0];
  return best ?? { accepts: false, validTo: null, lacks: ['has no peer URL'] };
}

const PEER_FLAGS = ['listen-peer-urls', 'initial-advertise-peer-urls'];

function flagValues({ components }: NodeDescription, flag: string): readonly string[] {
  const value = findFlag(components, { component: 'etcd', flag }) ?? '';
  return value.split(',').map((part) => part.trim());
}

/** The address that the member listens on for its peers; on all addresses it listens on loopback too. */
function findPeerUrl(description: NodeDescription): string | undefined {
  const url = PEER_FLAGS.flatMap((flag) => flagValues(description, flag)).find((value) => /^https?:\/\//.test(value));
  return url?.replace(/\/$/, '').replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** Member ids are 64-bit numbers, which `JSON.parse` would round. */
function parseMembers(body: string): readonly ListedMember[] | undefined {
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

function parseMember(value: unknown): ListedMember | undefined {
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
