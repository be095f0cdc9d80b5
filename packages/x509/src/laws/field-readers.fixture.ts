import { toRfc3339 } from '@kube-rescue/errors';
import { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { OpenSsl } from '../openssl.fixture.ts';
import { parseCertificate } from '../certificate/certificate.ts';
import { detailCertificate } from '../certificate/details.ts';
import { formatIpAddress, parseIpAddress } from '../certificate/ip-address.ts';
import { encodePem } from '../encoding/pem.ts';

/** The fields of a certificate in a form common to all readers. */
export interface Fields {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly names: readonly string[];
  readonly keyUsage: readonly string[];
  readonly extendedKeyUsage: readonly string[];
  readonly isCa: boolean;
  readonly pathLength: number | null;
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: string | null;
}

const USAGES: Readonly<Record<string, string>> = {
  'Digital Signature': 'digitalSignature',
  'Key Encipherment': 'keyEncipherment',
  'Certificate Sign': 'keyCertSign',
  'CRL Sign': 'cRLSign',
  'TLS Web Server Authentication': 'serverAuth',
  'TLS Web Client Authentication': 'clientAuth',
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
};
const ATTRIBUTES: Readonly<Record<string, string>> = { '2.5.4.3': 'CN', '2.5.4.10': 'O' };
const usageOf = (text: string): string => USAGES[text] ?? text;
const split = (text: string | undefined): readonly string[] => (text === undefined ? [] : text.split(', '));
const canonicalIp = (text: string): string => formatIpAddress(parseIpAddress(text) ?? new Uint8Array(4));
const secondsOf = (date: Date): string => toRfc3339(date);
const nameOf = (text: string): string =>
  text.replace(/^IP Address:(.*)$/, (_, address: string) => `IP:${canonicalIp(address)}`);

export function readByUs(der: Uint8Array): Fields {
  const details = detailCertificate(parseCertificate(der, 'law'), new Date(0));
  return {
    ...details,
    names: details.subjectAltNames,
    isCa: details.isCaCertificate,
    subjectKeyId: details.subjectKeyIdentifier,
    authorityKeyId: details.authorityKeyIdentifier,
    serialNumber: details.serialNumber,
  };
}

/** node:crypto reports neither key usage, path length nor key identifiers. */
export function readByNode(der: Uint8Array): Partial<Fields> {
  const x509 = new X509Certificate(der);
  return {
    subject: x509.subject.replaceAll('\n', ', '),
    issuer: x509.issuer.replaceAll('\n', ', '),
    serialNumber: x509.serialNumber,
    notBefore: secondsOf(x509.validFromDate),
    notAfter: secondsOf(x509.validToDate),
    names: split(x509.subjectAltName).map(nameOf),
    // Node's keyUsage is the extended key usage.
    extendedKeyUsage: ((x509.keyUsage as readonly string[] | undefined) ?? []).map(usageOf),
    isCa: x509.ca,
  };
}

export function readByOpenSsl(der: Uint8Array, openssl: OpenSsl): Fields {
  openssl.write('fields.crt', encodePem('CERTIFICATE', der));
  const text = openssl.run('x509 -noout -text -dateopt iso_8601 -nameopt utf8,sep_comma_plus_space -in fields.crt');
  const line = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1]?.trim();
  const extension = (title: string): string | undefined => line(new RegExp(`X509v3 ${title}:[^\\n]*\\n([^\\n]*)`));
  const dateOf = (title: string): string => secondsOf(new Date(line(new RegExp(`${title}\\s*: (.*)`)) ?? ''));
  const keyId = (title: string): string | null => {
    const found = extension(title)?.replace('keyid:', '').replaceAll(':', '').toLowerCase();
    return found ?? null;
  };
  const constraints = extension('Basic Constraints') ?? '';
  return {
    subject: line(/Subject: (.*)/) ?? '',
    issuer: line(/Issuer: (.*)/) ?? '',
    serialNumber: evenHex(line(/Serial Number:\s*([0-9a-f:]+)/) ?? ''),
    notBefore: dateOf('Not Before'),
    notAfter: dateOf('Not After '),
    names: split(extension('Subject Alternative Name')).map(nameOf),
    keyUsage: split(extension('Key Usage')).map(usageOf),
    extendedKeyUsage: split(extension('Extended Key Usage')).map(usageOf),
    isCa: constraints.includes('CA:TRUE'),
    pathLength:
      Number(/pathlen:(\d+)/.exec(constraints)?.[1] ?? Number.NaN) || (constraints.includes('pathlen:0') ? 0 : null),
    subjectKeyId: keyId('Subject Key Identifier'),
    authorityKeyId: keyId('Authority Key Identifier'),
  };
}

/** The parsers of certificate parts that node-forge's types lack. */
interface ForgeReaders {
  readonly RDNAttributesAsArray: (name: forge.asn1.Asn1) => readonly ForgeAttribute[];
  readonly certificateExtensionsFromAsn1: (extensions: forge.asn1.Asn1) => readonly ForgeExtension[];
}
interface ForgeAttribute {
  readonly type: string;
  /** The raw bytes; in UTF-8 for class UTF8String. */
  readonly value: string;
  readonly valueTagClass: forge.asn1.Type;
}
interface ForgeExtension {
  readonly name: string;
  readonly value: string;
  readonly altNames?: readonly { readonly type: number; readonly value: string; readonly ip?: string }[];
  readonly cA?: boolean;
  readonly pathLenConstraint?: number;
  readonly [flag: string]: unknown;
}

/** Parses the parts of the certificate one by one, because node-forge refuses a whole certificate with a key other than RSA. */
export function readByForge(der: Uint8Array): Fields {
  const { asn1, pki } = forge;
  const readers = pki as unknown as ForgeReaders;
  const [body] = childrenOf(asn1.fromDer(Buffer.from(der).toString('latin1'), true));
  const [, serial, , issuer, validity, subject, , ...optional] = childrenOf(body);
  const [notBefore, notAfter] = childrenOf(validity);
  // [3], which has the number of a BIT STRING.
  const list = optional.find(
    ({ type, tagClass }) => tagClass === asn1.Class.CONTEXT_SPECIFIC && type === asn1.Type.BITSTRING,
  );
  const extensions = list === undefined ? [] : readers.certificateExtensionsFromAsn1(list);
  const find = (name: string): ForgeExtension | undefined => extensions.find((each) => each.name === name);
  const flags = (extension: ForgeExtension | undefined, known: readonly string[]): readonly string[] =>
    known.filter((flag) => extension?.[flag] === true);
  const hex = (bytes: unknown): string => forge.util.bytesToHex(String(bytes));
  const nameText = (name: forge.asn1.Asn1 | undefined): string =>
    (name === undefined ? [] : readers.RDNAttributesAsArray(name))
      .map(({ type, value, valueTagClass }) => {
        const text = valueTagClass === asn1.Type.UTF8 ? forge.util.decodeUtf8(value) : value;
        return `${ATTRIBUTES[type] ?? type}=${text}`;
      })
      .join(', ');
  const dateText = (time: forge.asn1.Asn1 | undefined): string =>
    secondsOf(
      time?.type === asn1.Type.UTCTIME
        ? asn1.utcTimeToDate(contentOf(time))
        : asn1.generalizedTimeToDate(contentOf(time)),
    );
  const constraints = find('basicConstraints');
  const [keyId] = childrenOf(asn1.fromDer(find('authorityKeyIdentifier')?.value ?? '0\0', true));
  const ski = find('subjectKeyIdentifier');
  return {
    subject: nameText(subject),
    issuer: nameText(issuer),
    serialNumber: hex(serial?.value).toUpperCase(),
    notBefore: dateText(notBefore),
    notAfter: dateText(notAfter),
    names: (find('subjectAltName')?.altNames ?? []).map(({ type, value, ip }) =>
      type === 7 ? `IP:${canonicalIp(ip ?? '')}` : `DNS:${value}`,
    ),
    keyUsage: flags(find('keyUsage'), ['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign']),
    extendedKeyUsage: flags(find('extKeyUsage'), ['serverAuth', 'clientAuth']),
    isCa: constraints?.cA === true,
    pathLength: constraints?.pathLenConstraint ?? null,
    subjectKeyId: ski === undefined ? null : hex(asn1.fromDer(ski.value, true).value),
    authorityKeyId: keyId === undefined ? null : hex(keyId.value),
  };
}

function contentOf(element: forge.asn1.Asn1 | undefined): string {
  return typeof element?.value === 'string' ? element.value : '';
}

function childrenOf(element: forge.asn1.Asn1 | undefined): readonly forge.asn1.Asn1[] {
  return Array.isArray(element?.value) ? element.value : [];
}

/** OpenSSL prints a short serial number in decimal; up to 9 that is also its last hexadecimal digit. */
function evenHex(text: string): string {
  const digits = text.replaceAll(':', '').toUpperCase();
  return digits.padStart(digits.length + (digits.length % 2), '0');
}
