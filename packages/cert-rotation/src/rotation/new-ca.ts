import {
  type Certificate,
  DER_TAG,
  encodeCertificateBody,
  encodeDer,
  encodeExtension,
  EXTENSION,
  keyIdentifierOf,
  parseCertificate,
  publicKeyDerOf,
  signatureAlgorithmOf,
  signCertificate,
  subjectKeyIdentifier,
} from '@kube-rescue/x509';
import type { KeyObject } from 'node:crypto';
import { PkiError } from '../errors.ts';

/**
 * Issues the certificate of an authority with a new key, in the image of the old one: the same name and extensions, but for
 * the key identifiers, which follow the key. It signs itself.
 *
 * The name stays because leaves, kubeadm and people know the authority by it; who signed what is told by the identifiers.
 * @throws PkiError `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export function issueCaWithNewKey(input: {
  readonly template: Certificate;
  readonly key: KeyObject;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  /** The file of the certificate, for errors. */
  readonly subject: string;
}): Certificate {
  const { template, key, validity, subject } = input;
  const algorithm = signatureAlgorithmOf(key, subject);
  const publicKeyDer = publicKeyDerOf(key);
  const identifier = keyIdentifierOf(publicKeyDer);
  const tbs = encodeCertificateBody({
    algorithm,
    issuerDer: template.subjectDer,
    validity,
    subjectDer: template.subjectDer,
    publicKeyDer,
    subjectUniqueIdDer: undefined,
    extensions: renewIdentifiers(template, identifier),
  });
  const issued = parseCertificate(signCertificate(tbs, algorithm, key), subject);
  const { x509 } = issued;
  const isOwn = Buffer.from(subjectKeyIdentifier(issued) ?? []).equals(identifier);
  if (x509.ca && isOwn && x509.checkIssued(x509) && x509.verify(x509.publicKey)) return issued;
  throw new PkiError({
    code: 'PKI_ISSUE_FAILED',
    message: 'the certificate of the new authority was thrown away: it does not vouch for itself',
    subject,
    hint: 'check the old certificate of the authority with `openssl x509 -text`',
  });
}

/** Old authorities have no identifier of their key; without one, nobody could tell two of one name apart. */
function renewIdentifiers({ extensions }: Certificate, identifier: Uint8Array): readonly Uint8Array[] {
  const own = encodeExtension(EXTENSION.subjectKeyIdentifier, false, encodeDer(DER_TAG.octetString, identifier));
  const ca = encodeDer(DER_TAG.sequence, encodeDer(0x80, identifier));
  const renewed = extensions.map(({ oid, critical, der }) => {
    if (oid === EXTENSION.subjectKeyIdentifier) return own;
    return oid === EXTENSION.authorityKeyIdentifier ? encodeExtension(oid, critical, ca) : der;
  });
  return extensions.some(({ oid }) => oid === EXTENSION.subjectKeyIdentifier) ? renewed : [...renewed, own];
}
