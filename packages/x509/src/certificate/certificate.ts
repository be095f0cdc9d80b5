import { X509Error } from '../errors.ts';
import { X509Certificate } from 'node:crypto';
import { DER_TAG, type DerElement, readDerElements, readDerSequence } from '../encoding/der.ts';
import { readPem } from '../encoding/pem.ts';

/** One extension (RFC 5280 section 4.2). */
export interface Extension {
  /** The content bytes of its object identifier in hexadecimal, see {@link EXTENSION}. */
  readonly oid: string;
  readonly critical: boolean;
  /** The content of the OCTET STRING. */
  readonly value: Uint8Array;
  /** The whole extension. */
  readonly der: Uint8Array;
}

/** Object identifiers of the supported extensions, encoded (RFC 5280 section 4.2.1). */
export const EXTENSION = {
  /** 2.5.29.14 */
  subjectKeyIdentifier: '551d0e',
  /** 2.5.29.15 */
  keyUsage: '551d0f',
  /** 2.5.29.17 */
  subjectAltName: '551d11',
  /** 2.5.29.19 */
  basicConstraints: '551d13',
  /** 2.5.29.35 */
  authorityKeyIdentifier: '551d23',
  /** 2.5.29.37 */
  extendedKeyUsage: '551d25',
} as const;

/** A certificate, parsed twice: by OpenSSL for its meaning, and as DER for its bytes. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly der: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The content bytes of the serial number. */
  readonly serialNumber: Uint8Array;
  /** The DER of the distinguished names and of the public key, with tag and length. */
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly publicKeyDer: Uint8Array;
  /** The subject's unique identifier in old certificates, if present. */
  readonly subjectUniqueIdDer: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

function readExtension(element: DerElement): Extension {
  const parts = readDerSequence(element.bytes);
  const [oid] = parts;
  const value = parts.at(-1);
  if (oid?.tag !== DER_TAG.oid || value?.tag !== DER_TAG.octetString) throw new Error('malformed extension');
  const critical = parts.length === 3 && parts[1]?.content[0] !== 0;
  return { oid: Buffer.from(oid.content).toString('hex'), critical, value: value.content, der: element.bytes };
}

/** TBSCertificate, RFC 5280 section 4.1. */
function readFields(der: Uint8Array) {
  const [tbs] = readDerSequence(der);
  const fields = [...readDerSequence(tbs?.bytes ?? new Uint8Array())];
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [serialNumber, , issuer, , subject, publicKey, ...optional] = fields;
  if (serialNumber === undefined || issuer === undefined || subject === undefined || publicKey === undefined)
    throw new Error('fields are missing');
  const extensions = optional.find((element) => element.tag === 0xa3);
  return {
    serialNumber: serialNumber.content,
    issuerDer: issuer.bytes,
    subjectDer: subject.bytes,
    publicKeyDer: publicKey.bytes,
    subjectUniqueIdDer: optional.find((element) => element.tag === 0x82 || element.tag === 0xa2)?.bytes,
    extensions: extensions === undefined ? [] : readDerSequence(extensions.content).map(readExtension),
  };
}

/** A hundred times the size of a certificate with every name of a large cluster. */
const MAX_BYTES = 1024 * 1024;

function tooLarge(bytes: number, source: string): X509Error {
  return new X509Error({
    code: 'PKI_CERTIFICATE_INVALID',
    message: `the certificate has ${bytes} bytes, more than any real one`,
    subject: source,
    hint: 'restore the file from a backup',
  });
}

/** More than the CAs of a cluster and the certificates of a node; larger certificates are not cached. */
const KEPT_CERTIFICATES = 256;
const KEPT_BYTES = 8 * 1024;

/** Certificates by their DER: thousands of objects hold the same few, and OpenSSL allocates memory for each copy. */
const parsedCertificates = new Map<string, Certificate>();

/**
 * Parses one certificate from its DER.
 *
 * @param source the file it came from, for errors
 * @throws X509Error `PKI_CERTIFICATE_INVALID` `PKI_KEY_UNSUPPORTED`
 */
export function parseCertificate(der: Uint8Array, source: string): Certificate {
  if (der.length > MAX_BYTES) throw tooLarge(der.length, source);
  if (der.length > KEPT_BYTES) return parseUncached(der, source);
  const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
  const known = parsedCertificates.get(text);
  if (known !== undefined) return known;
  const certificate = parseUncached(der, source);
  if (parsedCertificates.size >= KEPT_CERTIFICATES) parsedCertificates.clear();
  parsedCertificates.set(text, certificate);
  return certificate;
}

function parseUncached(der: Uint8Array, source: string): Certificate {
  let x509: X509Certificate;
  let fields: ReturnType<typeof readFields>;
  try {
    x509 = new X509Certificate(der);
    fields = readFields(x509.raw);
    // An invalid date would be neither before nor after now.
    if (Number.isNaN(x509.validFromDate.getTime() + x509.validToDate.getTime())) throw new Error('malformed validity');
  } catch (cause) {
    throw new X509Error({
      code: 'PKI_CERTIFICATE_INVALID',
      message: 'cannot read the certificate: its DER is malformed',
      subject: source,
      hint: 'restore the file from a backup',
      cause,
    });
  }
  try {
    void x509.publicKey;
  } catch (cause) {
    throw new X509Error({
      code: 'PKI_KEY_UNSUPPORTED',
      message: 'the certificate has a public key of a kind that OpenSSL does not know',
      subject: source,
      hint: 'renew this certificate with the tool that made it',
      cause,
    });
  }
  return { x509, der: x509.raw, notBefore: x509.validFromDate, notAfter: x509.validToDate, ...fields };
}

/**
 * Every certificate of a PEM text, in order; the first is the leaf. Blocks of other kinds are skipped.
 *
 * @throws X509Error `PKI_PEM_INVALID` `PKI_CERTIFICATE_INVALID` `PKI_KEY_UNSUPPORTED`
 */
export function parseCertificates(text: string, source: string): readonly [Certificate, ...Certificate[]] {
  const blocks = readPem(text, source).filter((block) => block.label === 'CERTIFICATE');
  const [leaf, ...others] = blocks.map((block) => parseCertificate(block.der, source));
  if (leaf === undefined) {
    throw new X509Error({
      code: 'PKI_PEM_INVALID',
      message: 'it holds PEM, but no certificate',
      subject: source,
      hint: 'restore the file from a backup',
    });
  }
  return [leaf, ...others];
}

function findExtension(certificate: Certificate, oid: string): Extension | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid);
}

/**
 * The key identifier in a certificate of its own key (RFC 5280 section 4.2.1.2), or `undefined`.
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function subjectKeyIdentifier(certificate: Certificate): Uint8Array | undefined {
  const extension = findExtension(certificate, EXTENSION.subjectKeyIdentifier);
  return extension === undefined ? undefined : readDerElements(extension.value)[0]?.content;
}

/** The key identifier of the issuer in a certificate (RFC 5280 section 4.2.1.1), or `undefined`. */
export function authorityKeyIdentifier(certificate: Certificate): Uint8Array | undefined {
  const extension = findExtension(certificate, EXTENSION.authorityKeyIdentifier);
  if (extension === undefined) return undefined;
  return readDerSequence(extension.value).find((element) => element.tag === 0x80)?.content;
}

/** Whether a certificate names its issuer by serial number too, an option of OpenSSL. */
export function namesIssuerSerial(certificate: Certificate): boolean {
  return authorityCertSerialNumber(certificate) !== undefined;
}

/** The serial number of the issuer in a certificate (RFC 5280 section 4.2.1.1), or `undefined`. */
export function authorityCertSerialNumber(certificate: Certificate): Uint8Array | undefined {
  const extension = findExtension(certificate, EXTENSION.authorityKeyIdentifier);
  if (extension === undefined) return undefined;
  return readDerSequence(extension.value).find((element) => element.tag === 0x82)?.content;
}
