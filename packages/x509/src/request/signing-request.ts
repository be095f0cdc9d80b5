import type { KeyObject } from 'node:crypto';
import { type Certificate, EXTENSION } from '../certificate/certificate.ts';
import { signatureAlgorithmOf, signCertificate } from '../issuing/signature.ts';
import { addSubjectNames } from '../certificate/extensions.ts';
import { DER_TAG, encodeDer } from '../encoding/der.ts';
import { publicKeyDerOf } from '../keys/private-key.ts';

/** 1.2.840.113549.1.9.14, extensionRequest (RFC 2985 section 5.4.2). */
const EXTENSION_REQUEST = '2a864886f70d01090e';

/** The extensions of a request; the signer sets the key identifiers. */
const REQUESTED: readonly string[] = [
  EXTENSION.subjectAltName,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
  EXTENSION.basicConstraints,
];

/**
 * A signing request (PKCS#10, RFC 2986) in DER for a certificate like `template`: its subject, names, usages and constraints
 * byte for byte.
 *
 * @param key the private key of the certificate; it signs the request
 * @param extraNames further DNS names and IP addresses
 * @param source the file of the key, for errors
 * @throws X509Error `PKI_KEY_UNSUPPORTED`
 */
export function createSigningRequest(
  template: Certificate,
  {
    key,
    extraNames,
    source,
  }: { readonly key: KeyObject; readonly extraNames: readonly string[]; readonly source: string },
): Uint8Array {
  const algorithm = signatureAlgorithmOf(key, source);
  const wanted = addSubjectNames(template, extraNames).filter(({ oid }) => REQUESTED.includes(oid));
  const extensions = encodeDer(DER_TAG.sequence, ...wanted.map(({ der }) => der));
  const attribute = encodeDer(
    DER_TAG.sequence,
    encodeDer(DER_TAG.oid, Buffer.from(EXTENSION_REQUEST, 'hex')),
    encodeDer(DER_TAG.set, extensions),
  );
  const info = encodeDer(
    DER_TAG.sequence,
    encodeDer(DER_TAG.integer, Uint8Array.of(0)),
    template.subjectDer,
    publicKeyDerOf(key),
    encodeDer(0xa0, ...(wanted.length === 0 ? [] : [attribute])),
  );
  // A request has the signed structure of a certificate.
  return signCertificate(info, algorithm, key);
}
