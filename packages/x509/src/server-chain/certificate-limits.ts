import { type DerElement, readDerElements } from '../encoding/der.ts';
import { X509Error } from '../errors.ts';
import type { X509Certificate } from 'node:crypto';

/** The usage limits in a certificate that node:crypto does not report. */
export interface CertificateLimits {
  /** Maximum number of CAs between this one and a leaf; `undefined`: any number. */
  readonly pathLength: number | undefined;
  /** Bits of keyUsage, the first bit is 0x80; `undefined`: any use. */
  readonly keyUsage: number | undefined;
  /** Hexadecimal object identifiers of the critical extensions; a verifier must refuse unknown ones. */
  readonly critical: readonly string[];
  readonly hasNameConstraints: boolean;
  /** Hexadecimal object identifier of its signature algorithm. */
  readonly signatureAlgorithm: string;
}

// Object identifiers: RFC 5280, section 4.2.
const KEY_USAGE = '551d0f';
const BASIC_CONSTRAINTS = '551d13';
const NAME_CONSTRAINTS = '551d1e';

const EXTENSIONS_TAG = 0xa3;
const BOOLEAN_TAG = 0x01;
const INTEGER_TAG = 0x02;

/** Parses the limits from a certificate's DER. @throws X509Error `PKI_CERTIFICATE_INVALID` */
export function readCertificateLimits(certificate: X509Certificate): CertificateLimits {
  const [outer] = readDerElements(certificate.raw);
  const [body, algorithm] = readDerElements(contentOf(outer));
  const extensions = readDerElements(contentOf(body)).find(({ tag }) => tag === EXTENSIONS_TAG);
  const list = extensions === undefined ? [] : readDerElements(contentOf(readDerElements(extensions.content)[0]));
  const found = list.map(readExtension);
  const valueOf = (id: string): Uint8Array | undefined => found.find((extension) => extension.id === id)?.value;
  return {
    pathLength: readPathLength(valueOf(BASIC_CONSTRAINTS)),
    keyUsage: readKeyUsage(valueOf(KEY_USAGE)),
    critical: found.filter(({ isCritical }) => isCritical).map(({ id }) => id),
    hasNameConstraints: valueOf(NAME_CONSTRAINTS) !== undefined,
    signatureAlgorithm: hex(contentOf(readDerElements(contentOf(algorithm))[0])),
  };
}

function readExtension({ content }: DerElement): { id: string; isCritical: boolean; value: Uint8Array } {
  const parts = readDerElements(content);
  return {
    id: hex(contentOf(parts[0])),
    isCritical: parts[1]?.tag === BOOLEAN_TAG && parts[1].content[0] !== 0,
    value: contentOf(parts.at(-1)),
  };
}

function readPathLength(basicConstraints: Uint8Array | undefined): number | undefined {
  if (basicConstraints === undefined) return undefined;
  const length = readDerElements(contentOf(readDerElements(basicConstraints)[0])).find(
    ({ tag }) => tag === INTEGER_TAG,
  );
  return length?.content.reduce((number, byte) => number * 256 + byte, 0);
}

function readKeyUsage(keyUsage: Uint8Array | undefined): number | undefined {
  if (keyUsage === undefined) return undefined;
  // A BIT STRING: the count of unused bits, then the bits.
  return contentOf(readDerElements(keyUsage)[0])[1] ?? 0;
}

function contentOf(element: DerElement | undefined): Uint8Array {
  if (element === undefined)
    throw new X509Error({ code: 'PKI_CERTIFICATE_INVALID', message: 'an element of the certificate is missing' });
  return element.content;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
