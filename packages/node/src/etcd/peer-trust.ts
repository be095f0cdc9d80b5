import { inspectCertificates } from '@kube-rescue/cert-rotation';
import type { Clock, Host, HttpProbe } from '@kube-rescue/host';
import { type Certificate, encodePem, encodePrivateKey, generateKey, issueFromScratch } from '@kube-rescue/x509';
import type { NodeDescription } from '../node-description.ts';

/** What this node needs to talk to the peer ports of its etcd. */
export interface PeerTrust {
  /** The certificates of the peer CA in this node's file; empty when it cannot be read. */
  readonly anchors: readonly Certificate[];
  /** The same as PEM, for a request. */
  readonly ca: string | undefined;
  /** A pair of that CA; `undefined` without its key, and once the CA has expired. */
  readonly client: HttpProbe['client'];
}

export interface PeerDeps {
  readonly host: Host;
  readonly clock: Clock;
}

/** The pair is used once; the CA's key signs nothing that lives longer. */
const PAIR_SECONDS = 600;
const PAIR_NAME = 'kube-rescue';

/**
 * The CA of etcd's peers on this node, and a client pair that its key signs in memory, valid for ten minutes. Writes nothing.
 * @throws HostError of a file that exists but cannot be read
 */
export async function openPeerTrust({ inspection }: NodeDescription, { host, clock }: PeerDeps): Promise<PeerTrust> {
  const { cas } = await inspectCertificates(inspection, { host });
  const ca = cas.find(({ id }) => id === 'etcd-peer') ?? cas.find(({ id }) => id === 'etcd');
  const anchors = ca?.bundle.ok === true ? ca.bundle.value : [];
  const trust = {
    anchors,
    ca: anchors.length === 0 ? undefined : anchors.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
  };
  const now = clock.now();
  if (ca?.issuer.ok !== true || trust.ca === undefined) return { ...trust, client: undefined };
  const { certificate, key: caKey, keyPath } = ca.issuer.value;
  if (now < certificate.notBefore || now > certificate.notAfter) return { ...trust, client: undefined };
  const key = await generateKey('ecdsa-p256');
  const issued = await issueFromScratch({
    subject: { commonName: PAIR_NAME },
    usages: ['client'],
    publicKey: key,
    issuer: { certificate, key: caKey, keySource: keyPath },
    validity: { notBefore: now, notAfter: new Date(now.getTime() + PAIR_SECONDS * 1000) },
  });
  const client = { certificate: encodePem('CERTIFICATE', issued.der), key: encodePrivateKey(key, 'PRIVATE KEY') };
  return { ...trust, client };
}
