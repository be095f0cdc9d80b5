import { readCertificates, verifyServerChain } from '@kube-rescue/x509';
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { EtcdError } from '../errors.ts';
import type { EtcdTls } from './tls-options.ts';

/** The trusted server. */
export interface ServerIdentity {
  /** SHA-256 of its certificate, in OpenSSL's format. */
  readonly fingerprint256: string;
  readonly subject: string;
  readonly validTo: Date;
  /** The certificate or a CA above it has expired; trusted because of `acceptExpiredServer`. */
  readonly isExpired: boolean;
}

export interface TrustCheck {
  readonly socket: TLSSocket;
  readonly endpoint: string;
  /** Name or address that the certificate must be for. */
  readonly serverName: string;
  readonly tls: EtcdTls;
  readonly now: Date;
}

const MAX_PRESENTED = 16;

/**
 * Verifies the server after a handshake. OpenSSL's verdict counts; only `acceptExpiredServer` overrides it, when expiry is
 * OpenSSL's only complaint and everything else is verified again here.
 *
 * @throws EtcdError `ETCD_TLS_UNTRUSTED` `ETCD_NAME_MISMATCH` `ETCD_SERVER_EXPIRED`, the most severe first
 */
export function assertServerTrusted({ socket, endpoint, serverName, tls, now }: TrustCheck): ServerIdentity {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) throw untrusted(endpoint, 'no certificate presented');
  const presented = presentedWith(leaf);
  const verdict = verifyServerChain({ leaf, presented, anchors: readCertificates(tls.ca) });
  const isNamed = isFor(leaf, serverName);
  const identity = { fingerprint256: leaf.fingerprint256, subject: oneLine(leaf.subject), validTo: leaf.validToDate };
  if (socket.authorized && isNamed) return { ...identity, isExpired: false };

  if (!verdict.trusted) throw untrusted(endpoint, verdict.reason);
  if (!isNamed) throw nameMismatch(endpoint, serverName, leaf);
  // The types declare Error; Node sets OpenSSL's code, a string.
  const reason = String(socket.authorizationError);
  if (reason !== 'CERT_HAS_EXPIRED') throw untrusted(endpoint, reason);
  const early = verdict.chain.find(({ validFromDate }) => validFromDate > now);
  if (early !== undefined) throw untrusted(endpoint, `${oneLine(early.subject)} is not valid yet`);
  const expired = verdict.chain.find(({ validToDate }) => validToDate < now) ?? leaf;
  if (tls.acceptExpiredServer === true) return { ...identity, isExpired: true };
  throw new EtcdError({
    code: 'ETCD_SERVER_EXPIRED',
    message: `etcd is genuine but its certificate ${oneLine(expired.subject)} expired on ${expired.validToDate.toISOString()}`,
    subject: endpoint,
    hint: 'renew it; until then, accept an expired server: everything but the date is still verified',
  });
}

/** Whether a certificate is for a name or an address: RFC 9525; a common name counts only without alternative names. */
function isFor(certificate: X509Certificate, serverName: string): boolean {
  const found = isIP(serverName) === 0 ? certificate.checkHost(serverName) : certificate.checkIP(serverName);
  return found !== undefined;
}

/** The certificates sent with the leaf; Node chains them (and the CA's own) by `issuerCertificate`. */
function presentedWith(leaf: X509Certificate): readonly X509Certificate[] {
  const found: X509Certificate[] = [];
  let next = leaf.issuerCertificate;
  while (next !== undefined && found.length < MAX_PRESENTED && !found.some(({ raw }) => next?.raw.equals(raw))) {
    found.push(next);
    next = next.issuerCertificate;
  }
  return found;
}

function untrusted(subject: string, reason: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_TLS_UNTRUSTED',
    message: `cannot trust the server: ${reason}`,
    subject,
    hint: 'pass the CA that signed the server certificate of etcd, and check the clock of this machine',
  });
}

function nameMismatch(subject: string, wanted: string, leaf: X509Certificate): EtcdError {
  return new EtcdError({
    code: 'ETCD_NAME_MISMATCH',
    message: `the certificate of the server is not for ${wanted}, but for ${leaf.subjectAltName ?? 'no name'}`,
    subject,
    hint: 'use an endpoint that is in the certificate, or one of its names as the server name',
  });
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
