import { X509Error } from '../errors.ts';
import { type KeyObject, sign } from 'node:crypto';
import { DER_TAG, encodeDer } from '../encoding/der.ts';

/** The signature algorithm of a CA key: the AlgorithmIdentifier in DER, and the digest for `node:crypto`. */
export interface SignatureAlgorithm {
  readonly identifierDer: Uint8Array;
  /** `null` for an algorithm with a built-in digest, such as Ed25519. */
  readonly digest: string | null;
}

function identifier(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return encodeDer(DER_TAG.sequence, encodeDer(DER_TAG.oid, Buffer.from(oid, 'hex')), ...parameters);
}

/** sha256WithRSAEncryption, with the NULL that RFC 4055 section 5 demands. */
const RSA: SignatureAlgorithm = {
  identifierDer: identifier('2a864886f70d01010b', Uint8Array.of(0x05, 0x00)),
  digest: 'sha256',
};

/** ecdsa-with-SHA2, without parameters (RFC 5758 section 3.2); the digest fits the curve, as in Go's crypto/x509. */
const ECDSA: Readonly<Record<string, SignatureAlgorithm>> = {
  prime256v1: { identifierDer: identifier('2a8648ce3d040302'), digest: 'sha256' },
  secp384r1: { identifierDer: identifier('2a8648ce3d040303'), digest: 'sha384' },
  secp521r1: { identifierDer: identifier('2a8648ce3d040304'), digest: 'sha512' },
};

/** RFC 8410 section 3. */
const ED25519: SignatureAlgorithm = { identifierDer: identifier('2b6570'), digest: null };

function findAlgorithm(key: KeyObject): SignatureAlgorithm | undefined {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return RSA;
    case 'ec':
      return ECDSA[key.asymmetricKeyDetails?.namedCurve ?? ''];
    case 'ed25519':
      return ED25519;
    default:
      return undefined;
  }
}

/**
 * The algorithm by which `key` signs certificates.
 *
 * @param source the key's file, for errors
 * @throws X509Error `PKI_KEY_UNSUPPORTED`
 */
export function signatureAlgorithmOf(key: KeyObject, source: string): SignatureAlgorithm {
  const algorithm = findAlgorithm(key);
  if (algorithm !== undefined) return algorithm;
  throw new X509Error({
    code: 'PKI_KEY_UNSUPPORTED',
    message: `cannot sign certificates with a key of type ${key.asymmetricKeyType}`,
    subject: source,
    hint: 'renew the certificates of this CA with the tool that issued them',
  });
}

/** Signs a TBSCertificate and returns the certificate (RFC 5280 section 4.1). */
export function signCertificate(tbs: Uint8Array, algorithm: SignatureAlgorithm, key: KeyObject): Uint8Array {
  const signature = sign(algorithm.digest, tbs, key);
  const noUnusedBits = Uint8Array.of(0);
  return encodeDer(
    DER_TAG.sequence,
    tbs,
    algorithm.identifierDer,
    encodeDer(DER_TAG.bitString, noUnusedBits, signature),
  );
}
