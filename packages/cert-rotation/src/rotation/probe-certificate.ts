import {
  DER_TAG,
  encodeCertificateBody,
  encodeDer,
  encodeExtension,
  encodePem,
  encodePrivateKey,
  EXTENSION,
  keyIdentifierOf,
  parseCertificate,
  publicKeyDerOf,
  signatureAlgorithmOf,
  signCertificate,
  subjectKeyIdentifier,
} from '@kube-rescue/x509';
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Issuer } from '../inventory/ca-inventory.ts';

const NAME = 'kube-rescue:trust-probe';
const LIFETIME_MS = 10 * 60_000;
const BACKDATE_MS = 5 * 60_000;

/** 2.5.4.3, 1.3.6.1.5.5.7.3.2. */
const COMMON_NAME = '550403';
const CLIENT_AUTH = '2b06010505070302';

function oid(hex: string): Uint8Array {
  return encodeDer(DER_TAG.oid, Buffer.from(hex, 'hex'));
}

/** A distinguished name of one common name, in UTF-8. */
function encodeCommonName(name: string): Uint8Array {
  const attribute = encodeDer(DER_TAG.sequence, oid(COMMON_NAME), encodeDer(0x0c, Buffer.from(name)));
  return encodeDer(DER_TAG.sequence, encodeDer(DER_TAG.set, attribute));
}

/**
 * A client certificate that is good for ten minutes and names nobody who may do anything, to ask a server whether it trusts an
 * authority: it answers 401 when it does not, 403 when it does. It is kept nowhere.
 *
 * @returns PEM of both; the key is a secret
 * @throws PkiError `PKI_KEY_UNSUPPORTED`
 */
export async function issueProbeCertificate(
  { certificate: issuer, key, keyPath }: Issuer,
  now: Date,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });
  const algorithm = signatureAlgorithmOf(key, keyPath);
  const keyId = subjectKeyIdentifier(issuer) ?? keyIdentifierOf(issuer.publicKeyDer);
  const usage = encodeDer(DER_TAG.sequence, oid(CLIENT_AUTH));
  const tbs = encodeCertificateBody({
    algorithm,
    issuerDer: issuer.subjectDer,
    validity: {
      notBefore: new Date(Math.max(now.getTime() - BACKDATE_MS, issuer.notBefore.getTime())),
      notAfter: new Date(now.getTime() + LIFETIME_MS),
    },
    subjectDer: encodeCommonName(NAME),
    publicKeyDer: publicKeyDerOf(privateKey),
    subjectUniqueIdDer: undefined,
    extensions: [
      encodeExtension(EXTENSION.keyUsage, true, Uint8Array.of(0x03, 0x02, 0x07, 0x80)),
      encodeExtension(EXTENSION.extendedKeyUsage, false, usage),
      encodeExtension(EXTENSION.authorityKeyIdentifier, false, encodeDer(DER_TAG.sequence, encodeDer(0x80, keyId))),
    ],
  });
  const issued = parseCertificate(signCertificate(tbs, algorithm, key), NAME);
  return { certificate: encodePem('CERTIFICATE', issued.der), key: encodePrivateKey(privateKey, 'PRIVATE KEY') };
}
