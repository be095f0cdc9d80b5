import { readServerCertificates } from '@kube-rescue/cert-rotation';
import { formatTime, isRecoveryError, toRfc3339 } from '@kube-rescue/errors';
import type { HttpAnswer } from '@kube-rescue/host';
import { isSignedBy } from '@kube-rescue/x509';
import type { PeerDeps, PeerTrust } from './peer-trust.ts';

/** What a member shows on its peer port, as far as this machine can tell. */
export interface PeerStatus {
  /** It completes a TLS handshake, or answers a request. */
  readonly accepts: boolean;
  /** The end of the certificate that it presents, RFC 3339; `null` when none was read. */
  readonly validTo: string | null;
  /** What it lacks, a line each, without its name; empty when nothing is known to be wrong. */
  readonly lacks: readonly string[];
}

const TIMEOUT_MS = 1000;
/** The header has whole seconds, and the answer takes up to one more; etcd itself warns from one second on. */
const CLOCK_TOLERANCE_MS = 5000;
const MS_PER_SECOND = 1000;
/** OpenSSL's reasons for a certificate whose signer is not among those trusted. */
const FOREIGN = [
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_SIGNATURE_FAILURE'],
];
const OTHER_CA = "its peer certificate is from another CA than that of this node's etcd";

/**
 * Asks the peer port of one member: whether it answers, the certificate that it presents, expired or not, and its clock.
 *
 * Judges the certificate by the CA of `trust`; a member that refuses the pair of `trust` is judged by the handshake alone.
 * @throws nothing but the abort of `signal`
 */
export async function inspectPeer(
  url: string,
  trust: PeerTrust,
  deps: PeerDeps,
  signal: AbortSignal,
): Promise<PeerStatus> {
  const { ca, client } = trust;
  const answer = await attempt(
    () => deps.host.request({ url: `${url}/version`, timeoutMs: TIMEOUT_MS, signal, ca, client }),
    signal,
  );
  if (answer !== undefined) {
    const lacks = [...judgePresented(answer.peer, trust, deps.clock.now()), ...judgeClock(answer, deps.clock.now())];
    const { peer } = answer;
    return { accepts: true, validTo: peer === undefined ? null : toRfc3339(peer.validTo), lacks };
  }
  return (await inspectHandshake(url, trust, deps, signal)) ?? silent(url);
}

function silent(url: string): PeerStatus {
  return { accepts: false, validTo: null, lacks: [`does not answer on ${url}`] };
}

function judgePresented(peer: HttpAnswer['peer'], { ca }: PeerTrust, now: Date): readonly string[] {
  if (peer === undefined || peer.trusted) return [];
  const { validTo, reason = '' } = peer;
  const expired = expiredOn(validTo, now);
  if (ca === undefined || (reason === 'CERT_HAS_EXPIRED' && expired.length > 0)) return expired;
  if (FOREIGN.includes(reason)) return [...expired, OTHER_CA];
  if (reason === 'CERT_HAS_EXPIRED') return ['the CA of its peer certificate has expired'];
  return [...expired, `its peer certificate is not trusted here: ${reason}`];
}

function expiredOn(validTo: Date, now: Date): readonly string[] {
  return now > validTo ? [`its peer certificate expired on ${formatTime(validTo)}`] : [];
}

function judgeClock({ date }: HttpAnswer, now: Date): readonly string[] {
  if (date === undefined) return [];
  const skew = date.getTime() - now.getTime();
  if (Math.abs(skew) <= CLOCK_TOLERANCE_MS) return [];
  const seconds = Math.round(Math.abs(skew) / MS_PER_SECOND);
  return [`its clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the clock of this node`];
}

/** A server presents its certificate before it refuses the client (TLS 1.3). */
async function inspectHandshake(
  url: string,
  { anchors, client }: PeerTrust,
  { host, clock }: PeerDeps,
  signal: AbortSignal,
): Promise<PeerStatus | undefined> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
  const [leaf] = (await attempt(() => readServerCertificates(address, { host }, limit), signal)) ?? [];
  if (leaf === undefined) return undefined;
  const isForeign = anchors.length > 0 && !anchors.some((ca) => isSignedBy(leaf, ca));
  const refuses = client === undefined ? [] : ["it refuses the certificates of this node's etcd CA"];
  const lacks = [...expiredOn(leaf.notAfter, clock.now()), ...(isForeign ? [OTHER_CA] : []), ...refuses];
  return { accepts: true, validTo: toRfc3339(leaf.notAfter), lacks };
}

/** `undefined` when it fails or takes too long. */
async function attempt<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error) || (error instanceof Error && error.name === 'TimeoutError')) return undefined;
    throw error;
  }
}
