import type { KeyObject } from 'node:crypto';
import {
  authorityKeyIdentifier,
  type Certificate,
  EXTENSION,
  namesIssuerSerial,
  parseCertificate,
  subjectKeyIdentifier,
} from '../certificate/certificate.ts';
import { encodeExtension, keyIdentifierOf } from '../certificate/extensions.ts';
import { DER_TAG, encodeDer, isSameDer } from '../encoding/der.ts';
import { X509Error } from '../errors.ts';
import { publicKeyDerOf } from '../keys/private-key.ts';
import { encodeCertificateBody } from './body.ts';
import { assertSelfSignedCa } from './issued-check.ts';
import { signatureAlgorithmOf, signCertificate } from './signature.ts';

interface CaInput {
  /** The present certificate of the CA: the new one copies its subject and extensions byte for byte. */
  readonly template: Certificate;
  readonly key: KeyObject;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  /** The file of the certificate, for errors. */
  readonly subject: string;
}

/**
 * Reissues the certificate of a self-signed CA with its own key: new serial number and validity, everything else byte for
 * byte, including the subject key identifier. Earlier certificates of the CA verify against the new one too.
 *
 * Only an authority key identifier with the old serial number may change.
 *
 * @param input.keySource the file of the key, for errors
 * @throws X509Error `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export function reissueCa(input: CaInput & { readonly keySource: string }): Certificate {
  const { template } = input;
  return selfSign(input, {
    keySource: input.keySource,
    publicKeyDer: template.publicKeyDer,
    subjectUniqueIdDer: template.subjectUniqueIdDer,
    extensions: keepExtensions(template),
  });
}

/**
 * Issues a self-signed CA certificate with a new key, from the template of the old one: the same name and extensions, except
 * for the key identifiers, which follow the key.
 *
 * The name stays because certificates, kubeadm and operators know the CA by it; the key identifiers tell the two CAs apart.
 *
 * @throws X509Error `PKI_KEY_UNSUPPORTED` `PKI_ISSUE_FAILED`
 */
export function issueCaWithNewKey(input: CaInput): Certificate {
  const { template, key, subject } = input;
  const publicKeyDer = publicKeyDerOf(key);
  const identifier = keyIdentifierOf(publicKeyDer);
  const issued = selfSign(input, {
    keySource: subject,
    publicKeyDer,
    subjectUniqueIdDer: undefined,
    extensions: renewIdentifiers(template, identifier),
  });
  if (isSameDer(subjectKeyIdentifier(issued) ?? new Uint8Array(), identifier)) return issued;
  throw new X509Error({
    code: 'PKI_ISSUE_FAILED',
    message: 'the new CA certificate was discarded: its key identifier is not that of its key',
    subject,
    hint: 'inspect the old certificate of the CA with `openssl x509 -text`',
  });
}

interface Parts {
  readonly keySource: string;
  readonly publicKeyDer: Uint8Array;
  readonly subjectUniqueIdDer: Uint8Array | undefined;
  readonly extensions: readonly Uint8Array[];
}

function selfSign({ template, key, validity, subject }: CaInput, { keySource, ...parts }: Parts): Certificate {
  const algorithm = signatureAlgorithmOf(key, keySource);
  const { subjectDer } = template;
  const body = encodeCertificateBody({ algorithm, issuerDer: subjectDer, validity, subjectDer, ...parts });
  const issued = parseCertificate(signCertificate(body, algorithm, key), subject);
  assertSelfSignedCa(issued, { validity, subject });
  return issued;
}

/** A CA with its own old serial number would no longer be its own issuer; the key identifier stays. */
function keepExtensions(template: Certificate): readonly Uint8Array[] {
  return template.extensions.flatMap((extension) => {
    if (extension.oid !== EXTENSION.authorityKeyIdentifier || !namesIssuerSerial(template)) return [extension.der];
    const keyId = authorityKeyIdentifier(template);
    if (keyId === undefined) return [];
    const value = encodeDer(DER_TAG.sequence, encodeDer(0x80, keyId));
    return [encodeExtension(extension.oid, extension.critical, value)];
  });
}

/** Old CAs have no key identifier; without one, two CAs of one name cannot be told apart. */
function renewIdentifiers({ extensions }: Certificate, identifier: Uint8Array): readonly Uint8Array[] {
  const own = encodeExtension(EXTENSION.subjectKeyIdentifier, false, encodeDer(DER_TAG.octetString, identifier));
  const ca = encodeDer(DER_TAG.sequence, encodeDer(0x80, identifier));
  const renewed = extensions.map(({ oid, critical, der }) => {
    if (oid === EXTENSION.subjectKeyIdentifier) return own;
    return oid === EXTENSION.authorityKeyIdentifier ? encodeExtension(oid, critical, ca) : der;
  });
  return extensions.some(({ oid }) => oid === EXTENSION.subjectKeyIdentifier) ? renewed : [...renewed, own];
}
