import { EXTENSION } from '../certificate/certificate.ts';
import { parseIpAddress } from '../certificate/ip-address.ts';
import type { Usage } from '../certificate/extensions.ts';
import { DER_TAG, readDerElements } from '../encoding/der.ts';
import { randomSerialNumber } from './serial-number.ts';

/** The distinguished name of the new certificate or request. */
export interface NewSubject {
  readonly commonName: string;
  /** Each in its own relative distinguished name, before the common name, in this order. Default: none. */
  readonly organizations?: readonly string[] | undefined;
}

/** The extensions of the new certificate or request; an absent one is left out. */
export interface NewExtensions {
  /** The first byte of the key usage bits (RFC 5280 section 4.2.1.3). */
  readonly keyUsage: number;
  readonly usages: readonly Usage[];
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
}

/** The given parts of a certificate, copied byte for byte. */
interface NewCertificate {
  readonly algorithmDer: Uint8Array;
  /** Default: `subject`, for a self-signed certificate. */
  readonly issuerDer: Uint8Array | undefined;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly subject: NewSubject;
  readonly publicKeyDer: Uint8Array;
  readonly extensions: NewExtensions;
}

interface NewRequest {
  readonly subject: NewSubject;
  readonly publicKeyDer: Uint8Array;
  readonly extensions: NewExtensions;
}

/** The output of node-forge: DER of the parts to sign. */
export interface ForgeEncoding {
  /** A TBSCertificate of version 3 with a random serial number (RFC 5280 section 4.1). */
  readonly encodeBody: (certificate: NewCertificate) => Uint8Array;
  /** A CertificationRequestInfo (RFC 2986 section 4.1). */
  readonly encodeRequestInfo: (request: NewRequest) => Uint8Array;
}

type Forge = typeof import('node-forge');
type Asn1 = import('node-forge').asn1.Asn1;
type Asn1Type = import('node-forge').asn1.Type;
type Attribute = import('node-forge').pki.CertificateField;

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensionRequest: '1.2.840.113549.1.9.14',
} as const;
const USAGE_OIDS: Readonly<Record<Usage, string>> = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' };
/** Go's encoding/asn1 writes these texts as a PrintableString; everything else is a UTF8String. */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** Loads node-forge, the slowest part of a start, only for a certificate without a template. */
export async function loadForgeEncoding(): Promise<ForgeEncoding> {
  const { default: forge } = await import('node-forge');
  return createEncoding(forge);
}

function createEncoding({ asn1, pki }: Forge): ForgeEncoding {
  const { Class, Type } = asn1;
  const sequence = (...parts: readonly Asn1[]): Asn1 => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...parts]);
  const set = (...parts: readonly Asn1[]): Asn1 => asn1.create(Class.UNIVERSAL, Type.SET, true, [...parts]);
  const primitive = (type: Asn1Type, content: string): Asn1 => asn1.create(Class.UNIVERSAL, type, false, content);
  /** Implicitly tagged, or a container: `[number]`. */
  const tagged = (number: number, content: string | readonly Asn1[]): Asn1 =>
    asn1.create(
      Class.CONTEXT_SPECIFIC,
      number,
      typeof content !== 'string',
      typeof content === 'string' ? content : [...content],
    );
  const oid = (text: string): Asn1 => primitive(Type.OID, asn1.oidToDer(text).getBytes());
  const octets = (bytes: Uint8Array): Asn1 => primitive(Type.OCTETSTRING, binary(bytes));
  const integer = (number: number): Asn1 => primitive(Type.INTEGER, asn1.integerToDer(number).getBytes());
  const constructedSequence: number = DER_TAG.sequence;
  /** An existing SEQUENCE: a primitive value for node-forge, so that it writes the content unchanged. */
  const present = (der: Uint8Array): Asn1 =>
    asn1.create(Class.UNIVERSAL, constructedSequence, false, binary(contentOf(der)));
  const toBytes = (part: Asn1): Uint8Array => Buffer.from(asn1.toDer(part).getBytes(), 'latin1');

  /** Against its types, node-forge uses the type of the string as the class. */
  const stringType = (value: string): number => (PRINTABLE.test(value) ? Type.PRINTABLESTRING : Type.UTF8);
  const name = ({ commonName, organizations = [] }: NewSubject): Asn1 => {
    const attribute = (type: string, value: string): Attribute => ({
      type,
      value,
      valueTagClass: stringType(value),
    });
    const attributes = [
      ...organizations.map((each) => attribute(OID.organization, each)),
      ...(commonName === '' ? [] : [attribute(OID.commonName, commonName)]),
    ];
    return pki.distinguishedNameToAsn1({ attributes });
  };
  /** UTCTime to the end of 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
  const time = (date: Date): Asn1 =>
    date.getUTCFullYear() < 2050
      ? primitive(Type.UTCTIME, asn1.dateToUtcTime(date))
      : primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
  const extension = (hexOid: string, isCritical: boolean, value: Asn1): Asn1 =>
    sequence(
      primitive(Type.OID, Buffer.from(hexOid, 'hex').toString('latin1')),
      ...(isCritical ? [primitive(Type.BOOLEAN, '\u00ff')] : []),
      octets(toBytes(value)),
    );
  const generalName = (text: string): Asn1 => {
    const address = parseIpAddress(text);
    return address === undefined ? tagged(2, text) : tagged(7, binary(address));
  };
  /** In the order of Go's crypto/x509. */
  const extensions = (wanted: NewExtensions, hasSubject: boolean): Asn1 => {
    const { keyUsage, usages, isCa, pathLength, subjectKeyId, authorityKeyId, names } = wanted;
    const constraints = isCa
      ? [primitive(Type.BOOLEAN, '\u00ff'), ...(pathLength === undefined ? [] : [integer(pathLength)])]
      : [];
    return sequence(
      extension(EXTENSION.keyUsage, true, primitive(Type.BITSTRING, bitString(keyUsage))),
      ...(usages.length === 0
        ? []
        : [extension(EXTENSION.extendedKeyUsage, false, sequence(...usages.map((usage) => oid(USAGE_OIDS[usage]))))]),
      extension(EXTENSION.basicConstraints, true, sequence(...constraints)),
      ...(subjectKeyId === undefined ? [] : [extension(EXTENSION.subjectKeyIdentifier, false, octets(subjectKeyId))]),
      ...(authorityKeyId === undefined
        ? []
        : [extension(EXTENSION.authorityKeyIdentifier, false, sequence(tagged(0, binary(authorityKeyId))))]),
      ...(names.length === 0
        ? []
        : [extension(EXTENSION.subjectAltName, !hasSubject, sequence(...names.map(generalName)))]),
    );
  };

  return {
    encodeBody: ({ algorithmDer, issuerDer, validity, subject, publicKeyDer, extensions: wanted }) =>
      toBytes(
        sequence(
          tagged(0, [integer(2)]),
          primitive(Type.INTEGER, binary(randomSerialNumber())),
          present(algorithmDer),
          issuerDer === undefined ? name(subject) : present(issuerDer),
          sequence(time(validity.notBefore), time(validity.notAfter)),
          name(subject),
          present(publicKeyDer),
          tagged(3, [extensions(wanted, hasName(subject))]),
        ),
      ),
    encodeRequestInfo: ({ subject, publicKeyDer, extensions: wanted }) =>
      toBytes(
        sequence(
          integer(0),
          name(subject),
          present(publicKeyDer),
          tagged(0, [sequence(oid(OID.extensionRequest), set(extensions(wanted, hasName(subject))))]),
        ),
      ),
  };
}

function hasName({ commonName, organizations = [] }: NewSubject): boolean {
  return commonName !== '' || organizations.length > 0;
}

/** node-forge takes bytes as the characters of a string. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function contentOf(der: Uint8Array): Uint8Array {
  return readDerElements(der)[0]?.content ?? new Uint8Array();
}

/** The content of a BIT STRING of named bits: the count of unused bits, then the bits without trailing zeros (X.690 section 11.2). */
function bitString(bits: number): string {
  if (bits === 0) return '\0';
  let unused = 0;
  while (((bits >> unused) & 1) === 0) unused += 1;
  return String.fromCharCode(unused, bits);
}
