import { createCa, encodePem, encodePrivateKey, generateKey, issueFromScratch } from '@kube-rescue/x509';
import { hostPath } from '@kube-rescue/host';
import type { Issuer } from '../inventory/ca-inventory.ts';

const NAME = 'kube-rescue:trust-probe';
const LIFETIME_MS = 10 * 60_000;
const BACKDATE_MS = 5 * 60_000;

/**
 * As {@link issueProbeCertificate}, from a CA that no server trusts: a server that checks client certificates answers 401.
 */
export async function issueUntrustedProbe(now: Date): Promise<{ readonly certificate: string; readonly key: string }> {
  const key = await generateKey('ecdsa-p256');
  const validity = {
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    notAfter: new Date(now.getTime() + LIFETIME_MS),
  };
  const certificate = await createCa({ commonName: `${NAME}:unknown`, key, validity });
  return issueProbeCertificate({ certificate, key, keyPath: hostPath('/memory') }, now);
}

/**
 * Issues a client certificate for a user without permissions, valid for ten minutes, to find out whether a server trusts a CA:
 * the server answers 403 if it does, 401 if not. Writes nothing.
 *
 * @returns PEM of both; the key is a secret
 * @throws X509Error `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export async function issueProbeCertificate(
  { certificate, key, keyPath }: Issuer,
  now: Date,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const privateKey = await generateKey('ecdsa-p256');
  const issued = await issueFromScratch({
    subject: { commonName: NAME },
    usages: ['client'],
    publicKey: privateKey,
    issuer: { certificate, key, keySource: keyPath },
    validity: {
      notBefore: new Date(Math.max(now.getTime() - BACKDATE_MS, certificate.notBefore.getTime())),
      notAfter: new Date(now.getTime() + LIFETIME_MS),
    },
  });
  return { certificate: encodePem('CERTIFICATE', issued.der), key: encodePrivateKey(privateKey, 'PRIVATE KEY') };
}
