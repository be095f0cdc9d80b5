import type { KeyObject } from 'node:crypto';
import { authorityKeyIdentifier, type Certificate, EXTENSION, parseCertificate } from '../certificate/certificate.ts';
import { encodeExtension, keyIdentifierOf } from '../certificate/extensions.ts';
import { DER_TAG, encodeDer } from '../encoding/der.ts';
import { publicKeyDerOf } from '../keys/private-key.ts';
import { encodeCertificateBody } from './body.ts';
import { assertIssued, assertSelfSignedCa } from './issued-check.ts';
import { signatureAlgorithmOf, signCertificate } from './signature.ts';

/** The bits of digitalSignature, keyEncipherment and keyCertSign (RFC 5280 section 4.2.1.3), and the unused ones before them. */
const KEY_USAGE = Uint8Array.of(2, 0xa4);
/** Ed25519 has no keyEncipherment (RFC 8410 section 5). */
const KEY_USAGE_ED25519 = Uint8Array.of(2, 0x84);

/**
 * Issues the certificate of a CA again whose certificate was lost, from its key and a leaf that this key signed: the subject is
 * the issuer of the leaf byte for byte, the key identifier the one that the leaf names, so the leaf verifies against it. The
 * rest is kubeadm's (client-go `util/cert` NewSelfSignedCACert), without a subject alternative name.
 *
 * OpenSSL verifies the certificate, and the leaf against it, before it is returned.
 *
 * @param input.keySource the file of the key, for errors
 * @param input.subject the file of the CA, for errors
 * @throws X509Error `PKI_KEY_UNSUPPORTED`; `PKI_ISSUE_FAILED`, also when the key did not sign the leaf
 */
export function issueLostCa({
  leaf,
  key,
  keySource,
  validity,
  subject,
}: {
  readonly leaf: Certificate;
  readonly key: KeyObject;
  readonly keySource: string;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly subject: string;
}): Certificate {
  const algorithm = signatureAlgorithmOf(key, keySource);
  const publicKeyDer = publicKeyDerOf(key);
  const identifier = authorityKeyIdentifier(leaf) ?? keyIdentifierOf(publicKeyDer);
  const usage = key.asymmetricKeyType === 'ed25519' ? KEY_USAGE_ED25519 : KEY_USAGE;
  const isCa = encodeDer(DER_TAG.sequence, encodeDer(DER_TAG.boolean, Uint8Array.of(0xff)));
  const body = encodeCertificateBody({
    algorithm,
    issuerDer: leaf.issuerDer,
    subjectDer: leaf.issuerDer,
    validity,
    publicKeyDer,
    subjectUniqueIdDer: undefined,
    extensions: [
      encodeExtension(EXTENSION.keyUsage, true, encodeDer(DER_TAG.bitString, usage)),
      encodeExtension(EXTENSION.basicConstraints, true, isCa),
      encodeExtension(EXTENSION.subjectKeyIdentifier, false, encodeDer(DER_TAG.octetString, identifier)),
    ],
  });
  const issued = parseCertificate(signCertificate(body, algorithm, key), subject);
  assertSelfSignedCa(issued, { validity, subject });
  assertIssued(leaf, { issuer: issued, validity: leaf, subject });
  return issued;
}
