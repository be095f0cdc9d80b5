/** The header of an element as Go's `encoding/asn1` reads it: unlike cryptobyte, it knows tags of several bytes. */
export interface LaxHeader {
  /** The first byte; `undefined` for a tag of several bytes, which no known field has. */
  readonly tag: number | undefined;
  readonly length: number;
  readonly headerLength: number;
}

/** The end of a tag of several bytes: its number in base 128, at least 31, below 2^31. */
function findTagEnd(bytes: Uint8Array): number | undefined {
  let number = 0;
  for (let at = 1; at < bytes.length && at <= 5; at += 1) {
    const byte = bytes[at] ?? 0;
    if (at === 1 && byte === 0x80) return undefined;
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) return number >= 0x1f && number < 2 ** 31 ? at + 1 : undefined;
  }
  return undefined;
}

/** Reads a header whatever element it is of; `undefined` for a malformed one. */
export function readLaxHeader(bytes: Uint8Array): LaxHeader | undefined {
  const [tag = 0] = bytes;
  const isLong = (tag & 0x1f) === 0x1f;
  const at = isLong ? findTagEnd(bytes) : 1;
  const first = at === undefined ? undefined : bytes[at];
  if (at === undefined || first === undefined) return undefined;
  const known = isLong ? undefined : tag;
  if (first < 0x80) return { tag: known, length: first, headerLength: at + 1 };
  const lengthBytes = bytes.subarray(at + 1, at + 1 + (first & 0x7f));
  if (first === 0x80 || lengthBytes.length < (first & 0x7f) || lengthBytes[0] === 0) return undefined;
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (length < 0x80 || length >= 2 ** 31) return undefined;
  return { tag: known, length, headerLength: at + 1 + lengthBytes.length };
}
