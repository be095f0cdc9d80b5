import { authorityKeyIdentifier, type Certificate, EXTENSION, subjectKeyIdentifier } from './certificate.ts';
import { describeValidity, nameOf } from './summary.ts';
import { formatIpAddress } from './ip-address.ts';
import { DER_TAG, readDerElements, readDerSequence } from '../encoding/der.ts';

/** The fields of a certificate, for reports and JSON. Carries no key material. */
export interface CertificateDetails {
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal, upper case. */
  readonly serialNumber: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days until it expires; negative afterwards. */
  readonly daysLeft: number;
  /** For example `RSA 2048` or `ECDSA P-256`. */
  readonly keyAlgorithm: string;
  /** For example `DNS:localhost` or `IP:10.0.0.1`. */
  readonly subjectAltNames: readonly string[];
  /** RFC 5280 names: `digitalSignature`. Empty without the extension. */
  readonly keyUsage: readonly string[];
  /** `serverAuth`, `clientAuth`, or an object identifier. */
  readonly extendedKeyUsage: readonly string[];
  readonly isCaCertificate: boolean;
  /** How many CAs may be below it; `null` without a limit. */
  readonly pathLength: number | null;
  /** Hexadecimal; `null` without the extension. */
  readonly subjectKeyIdentifier: string | null;
  readonly authorityKeyIdentifier: string | null;
  /** SHA-256 over its DER, hexadecimal with colons. */
  readonly fingerprint256: string;
}

/** Bits of RFC 5280 section 4.2.1.3, in order. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** The usages of RFC 5280 section 4.2.1.12. */
const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'any',
};

/** The kinds of a GeneralName (RFC 5280 section 4.2.1.6) by their tags; a name without text is reported by its kind alone. */
const NAME_KINDS: Readonly<Record<number, string>> = {
  0x81: 'email',
  0x82: 'DNS',
  0x86: 'URI',
  0x87: 'IP',
  0x88: 'registeredID',
  0xa0: 'otherName',
  0xa3: 'x400Address',
  0xa4: 'directoryName',
  0xa5: 'ediPartyName',
};

function valueOf(certificate: Certificate, oid: string): Uint8Array | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid)?.value;
}

function readNames(certificate: Certificate): readonly string[] {
  const value = valueOf(certificate, EXTENSION.subjectAltName);
  return value === undefined ? [] : readGeneralNames(value);
}

/** The names of a subjectAltName extension, for example `DNS:localhost` or `IP:10.0.0.1`. */
export function readGeneralNames(value: Uint8Array): readonly string[] {
  return readDerSequence(value).map(({ tag, content }) => {
    const kind = NAME_KINDS[tag] ?? `tag ${tag}`;
    if (tag === 0x87 && (content.length === 4 || content.length === 16)) return `IP:${formatIpAddress(content)}`;
    return [0x81, 0x82, 0x86].includes(tag) ? `${kind}:${Buffer.from(content).toString('latin1')}` : kind;
  });
}

/** Whether a certificate may sign others: it is a CA certificate, or its key usage allows it (RFC 5280 section 4.2.1.3). */
export function canSignCertificates(certificate: Certificate): boolean {
  return certificate.x509.ca || readKeyUsage(certificate).includes('keyCertSign');
}

/** The bits of the key usage by name; empty without the extension. */
export function readKeyUsage(certificate: Certificate): readonly string[] {
  const value = valueOf(certificate, EXTENSION.keyUsage);
  const bits = value === undefined ? undefined : readDerElements(value)[0]?.content.subarray(1);
  if (bits === undefined) return [];
  return KEY_USAGES.filter((_, at) => ((bits[at >> 3] ?? 0) & (0x80 >> (at & 7))) !== 0);
}

/** Longer numbers do not occur, and take too long to format. */
const MAX_OID_BYTES = 64;

function formatOid(content: Uint8Array): string {
  if (content.length > MAX_OID_BYTES) return `an object identifier of ${content.length} bytes`;
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of content) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

function readExtendedKeyUsage(certificate: Certificate): readonly string[] {
  const value = valueOf(certificate, EXTENSION.extendedKeyUsage);
  if (value === undefined) return [];
  return readDerSequence(value).map(({ content }) => {
    const oid = formatOid(content);
    return EXTENDED_USAGES[oid] ?? oid;
  });
}

/** `pathLenConstraint` of RFC 5280 section 4.2.1.9; `undefined` when there is none. */
export function pathLengthOf(certificate: Certificate): number | undefined {
  const value = valueOf(certificate, EXTENSION.basicConstraints);
  const length = value === undefined ? undefined : readDerSequence(value).find(({ tag }) => tag === DER_TAG.integer);
  if (length === undefined) return undefined;
  return Number.parseInt(Buffer.from(length.content).toString('hex') || '0', 16);
}

function hexOf(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString('hex');
}

/** Lists the fields of a certificate at `now`. Pure. @throws X509Error `PKI_CERTIFICATE_INVALID` for a malformed extension */
export function detailCertificate(certificate: Certificate, now: Date): CertificateDetails {
  const { x509 } = certificate;
  return {
    subject: nameOf(x509.subject),
    issuer: nameOf(x509.issuer),
    serialNumber: x509.serialNumber,
    ...describeValidity(certificate, now),
    subjectAltNames: readNames(certificate),
    keyUsage: readKeyUsage(certificate),
    extendedKeyUsage: readExtendedKeyUsage(certificate),
    isCaCertificate: x509.ca,
    pathLength: pathLengthOf(certificate) ?? null,
    subjectKeyIdentifier: hexOf(subjectKeyIdentifier(certificate)),
    authorityKeyIdentifier: hexOf(authorityKeyIdentifier(certificate)),
    fingerprint256: x509.fingerprint256,
  };
}
