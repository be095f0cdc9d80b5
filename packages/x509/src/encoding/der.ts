import { X509Error } from '../errors.ts';

/** Universal and context tags of certificates (X.690 section 8, RFC 5280 appendix A). */
export const DER_TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One tag-length-value, as views on its source bytes. */
export interface DerElement {
  readonly tag: number;
  /** Tag, length and value. */
  readonly bytes: Uint8Array;
  /** The value alone. */
  readonly content: Uint8Array;
}

function malformed(what: string): X509Error {
  return new X509Error({ code: 'PKI_CERTIFICATE_INVALID', message: `malformed DER: ${what}` });
}

function readElement(bytes: Uint8Array, start: number): DerElement {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw malformed('it ends inside an element');
  if ((tag & 0x1f) === 0x1f) throw malformed('a multi-byte tag');
  let contentStart = start + 2;
  let length = first;
  if (first >= 0x80) {
    const lengthBytes = first & 0x7f;
    if (lengthBytes === 0 || lengthBytes > 4) throw malformed('an indefinite or oversized length');
    length = 0;
    for (let i = 0; i < lengthBytes; i += 1) length = length * 256 + (bytes[contentStart + i] ?? 0);
    contentStart += lengthBytes;
  }
  const end = contentStart + length;
  if (end > bytes.length) throw malformed('an element is longer than its container');
  return { tag, bytes: bytes.subarray(start, end), content: bytes.subarray(contentStart, end) };
}

/**
 * The consecutive elements in `bytes`.
 *
 * Checks bounds, not meaning; never copies, so an element can be copied byte for byte.
 * @throws X509Error `PKI_CERTIFICATE_INVALID`
 */
export function readDerElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const element = readElement(bytes, offset);
    elements.push(element);
    offset += element.bytes.length;
  }
  return elements;
}

/**
 * The elements of the SEQUENCE that fills `bytes`.
 * @throws X509Error `PKI_CERTIFICATE_INVALID` for another type, or trailing bytes
 */
export function readDerSequence(bytes: Uint8Array): readonly DerElement[] {
  const [sequence, ...rest] = readDerElements(bytes);
  if (sequence?.tag !== DER_TAG.sequence || rest.length > 0) throw malformed('expected one SEQUENCE');
  return readDerElements(sequence.content);
}

/** Deeper than any field of a certificate. */
const MAX_DEPTH = 32;

/** Whether every length in `bytes` is the shortest possible (X.690 section 10.1), as Go demands. Follows constructed elements. */
export function isMinimalDer(bytes: Uint8Array, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  return readDerElements(bytes).every(({ tag, bytes: element, content }) => {
    const header = element.length - content.length;
    const isShortest = encodeDer(tag, content).length - content.length === header;
    return isShortest && ((tag & 0x20) === 0 || isMinimalDer(content, depth + 1));
  });
}

/** Wraps the concatenated `parts` in a tag and the shortest length (X.690 section 10.1). */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const header = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length];
  return Buffer.concat([Uint8Array.from(header), content]);
}

/** Whether two DER elements are the same bytes. */
export function isSameDer(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
