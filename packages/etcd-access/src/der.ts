/** One element of DER: ITU-T X.690. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The elements that lie in `bytes`, one behind the other. @throws RangeError when they are not DER */
export function derElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = byteAt(bytes, at);
    const first = byteAt(bytes, at + 1);
    let length = first;
    at += 2;
    if (first > 0x80) {
      const end = at + (first & 0x7f);
      if (end - at > 4) throw new RangeError('an element of DER is too long');
      length = 0;
      for (; at < end; at += 1) length = length * 256 + byteAt(bytes, at);
    }
    if (first === 0x80 || at + length > bytes.length) throw new RangeError('an element of DER is cut off');
    elements.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('an element of DER is cut off');
  return byte;
}
