import { X509Error } from '../errors.ts';
import { createHash } from 'node:crypto';
import { type Certificate, EXTENSION, type Extension, subjectKeyIdentifier } from './certificate.ts';
import { parseIpAddress } from './ip-address.ts';
import { DER_TAG, encodeDer, isSameDer, readDerElements, readDerSequence } from '../encoding/der.ts';

/** Supported extended key usages. */
export type Usage = 'server' | 'client';

/** id-kp-serverAuth and id-kp-clientAuth (RFC 5280 section 4.2.1.12), encoded. */
const USAGE_OIDS: Readonly<Record<Usage, string>> = { server: '2b06010505070301', client: '2b06010505070302' };
const ANY_USAGE_OID = '551d2500';

/** Method 1 of RFC 5280 section 4.2.1.2: SHA-1 over the bits of the public key. */
export function keyIdentifierOf(publicKeyDer: Uint8Array): Uint8Array {
  const bits = readDerSequence(publicKeyDer)[1]?.content ?? new Uint8Array();
  return createHash('sha1').update(bits.subarray(1)).digest();
}

/** One extension in DER; writes `critical` only when true, as DER demands of a default (RFC 5280 section 4.1). */
export function encodeExtension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  return encodeDer(
    DER_TAG.sequence,
    encodeDer(DER_TAG.oid, Buffer.from(oid, 'hex')),
    ...(critical ? [encodeDer(DER_TAG.boolean, Uint8Array.of(0xff))] : []),
    encodeDer(DER_TAG.octetString, value),
  );
}

/** A GeneralName of RFC 5280 section 4.2.1.6: `[7] iPAddress` or `[2] dNSName`. */
export function encodeName(name: string): Uint8Array {
  const address = parseIpAddress(name);
  return address === undefined ? encodeDer(0x82, Buffer.from(name, 'latin1')) : encodeDer(0x87, address);
}

/** Whether a certificate allows a usage; without the extension it allows every usage. */
export function allowsUsage(certificate: Certificate, usage: Usage): boolean {
  const extension = certificate.extensions.find(({ oid }) => oid === EXTENSION.extendedKeyUsage);
  if (extension === undefined) return true;
  const oids = readDerSequence(extension.value).map(({ content }) => Buffer.from(content).toString('hex'));
  return oids.includes(USAGE_OIDS[usage]) || oids.includes(ANY_USAGE_OID);
}

/** Whether a certificate names an address in its subject alternative names; the common name never counts, as in Go. */
export function namesAddress(certificate: Certificate, address: string): boolean {
  const { x509 } = certificate;
  if (parseIpAddress(address) !== undefined) return x509.checkIP(address) !== undefined;
  return x509.checkHost(address, { subject: 'never', partialWildcards: false }) !== undefined;
}

const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const MAX_DNS_NAME = 253;

/** Whether a text is a DNS name; digits and dots alone are a mistyped address. */
export function isDnsName(text: string): boolean {
  return text.length <= MAX_DNS_NAME && DNS_NAME.test(text) && !/^[\d.]+$|:/.test(text);
}

/**
 * Checks that each of `names` is an IP address or a DNS name; the first label may be a wildcard.
 * @throws X509Error `PKI_NAME_INVALID` with all invalid names
 */
export function assertSubjectNames(names: readonly string[]): void {
  const wrong = names.filter((name) => parseIpAddress(name) === undefined && !isDnsName(name));
  if (wrong.length === 0) return;
  throw new X509Error({
    code: 'PKI_NAME_INVALID',
    message: 'it is neither a DNS name nor an IP address',
    subject: wrong.join(', '),
    hint: 'give a name such as api.example.com or an address such as 10.0.0.1, without a port',
  });
}

export interface ExtensionChanges {
  readonly issuer: Certificate;
  readonly publicKeyDer: Uint8Array;
  /** DNS names and IP addresses to be added. */
  readonly extraNames: readonly string[];
  /** Extended key usages to be added. */
  readonly extraUsages: readonly Usage[];
}

function withAdded(extension: Extension, additions: readonly Uint8Array[]): Uint8Array {
  const kept = readDerSequence(extension.value).map(({ bytes }) => bytes);
  const added = additions.filter((addition) => !kept.some((present) => isSameDer(present, addition)));
  if (added.length === 0) return extension.der;
  return encodeExtension(extension.oid, extension.critical, encodeDer(DER_TAG.sequence, ...kept, ...added));
}

/**
 * The extensions of a renewed certificate: those of the old one byte for byte and in their order, plus the additions. The key
 * identifiers follow the keys.
 */
export function renewExtensions(template: Certificate, changes: ExtensionChanges): readonly Uint8Array[] {
  const issuerKeyId = subjectKeyIdentifier(changes.issuer) ?? keyIdentifierOf(changes.issuer.publicKeyDer);
  const names = changes.extraNames.map(encodeName);
  const keyOfCa = encodeDer(DER_TAG.sequence, encodeDer(0x80, issuerKeyId));

  const renewed = template.extensions.map((extension) => {
    switch (extension.oid) {
      case EXTENSION.authorityKeyIdentifier:
        return encodeExtension(extension.oid, extension.critical, keyOfCa);
      case EXTENSION.subjectKeyIdentifier: {
        const isSameKey = isSameDer(changes.publicKeyDer, template.publicKeyDer);
        if (isSameKey) return extension.der;
        const identifier = encodeDer(DER_TAG.octetString, keyIdentifierOf(changes.publicKeyDer));
        return encodeExtension(extension.oid, extension.critical, identifier);
      }
      case EXTENSION.subjectAltName:
        return withAdded(extension, names);
      case EXTENSION.extendedKeyUsage: {
        const usages = changes.extraUsages.map((usage) => Buffer.from(USAGE_OIDS[usage], 'hex'));
        return withAdded(
          extension,
          usages.map((usage) => encodeDer(DER_TAG.oid, usage)),
        );
      }
      default:
        return extension.der;
    }
  });

  const has = (oid: string): boolean => template.extensions.some((extension) => extension.oid === oid);
  if (!has(EXTENSION.authorityKeyIdentifier)) {
    renewed.push(encodeExtension(EXTENSION.authorityKeyIdentifier, false, keyOfCa));
  }
  if (!has(EXTENSION.subjectAltName) && names.length > 0) {
    const hasSubject = readDerElements(template.subjectDer)[0]?.content.length !== 0;
    renewed.push(encodeExtension(EXTENSION.subjectAltName, !hasSubject, encodeDer(DER_TAG.sequence, ...names)));
  }
  return renewed;
}

/** The extensions of a certificate with names added to its subject alternative names; others stay as they are. */
export function addSubjectNames(certificate: Certificate, names: readonly string[]): readonly Extension[] {
  const { extensions } = certificate;
  const additions = names.map(encodeName);
  const oid = EXTENSION.subjectAltName;
  if (extensions.some((extension) => extension.oid === oid)) {
    return extensions.map((each) => (each.oid === oid ? { ...each, der: withAdded(each, additions) } : each));
  }
  if (names.length === 0) return extensions;
  const value = encodeDer(DER_TAG.sequence, ...additions);
  return [...extensions, { oid, critical: false, value, der: encodeExtension(oid, false, value) }];
}
