import { type LaxHeader, readLaxHeader } from './lax-header.ts';
import { type GoRuleName, refuse } from './rules.ts';

/** One element as Go's cryptobyte reads it: short tags, definite and minimal lengths (X.690 section 10.1). */
export interface StrictElement {
  readonly tag: number;
  /** Tag, length and value. */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/** Reads DER from left to right as Go's `cryptobyte.String` does; what it does not accept refuses under `rule`. */
export class DerReader {
  readonly #rule: GoRuleName;
  readonly #detail: string | undefined;
  #rest: Uint8Array;

  constructor(bytes: Uint8Array, rule: GoRuleName = 'der-malformed', detail?: string) {
    this.#rest = bytes;
    this.#rule = rule;
    this.#detail = detail;
  }

  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  fail(): never {
    return refuse(this.#rule, this.#detail);
  }

  /** Whether the next element has `tag`. */
  peeks(tag: number): boolean {
    return this.#rest[0] === tag;
  }

  readAny(): StrictElement {
    const bytes = this.#rest;
    const [tag, first] = bytes;
    if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return this.fail();
    const { length, headerLength } = this.#readLength(first);
    const end = headerLength + length;
    if (end > bytes.length) return this.fail();
    this.#rest = bytes.subarray(end);
    return { tag, bytes: bytes.subarray(0, end), content: bytes.subarray(headerLength, end) };
  }

  #readLength(first: number): { readonly length: number; readonly headerLength: number } {
    if (first < 0x80) return { length: first, headerLength: 2 };
    const count = first & 0x7f;
    if (count === 0 || count > 4 || this.#rest.length < 2 + count) return this.fail();
    let length = 0;
    for (const byte of this.#rest.subarray(2, 2 + count)) length = length * 256 + byte;
    if (length < 0x80 || this.#rest[2] === 0) return this.fail();
    return { length, headerLength: 2 + count };
  }

  readElement(tag: number): StrictElement {
    const element = this.readAny();
    return element.tag === tag ? element : this.fail();
  }

  read(tag: number): Uint8Array {
    return this.readElement(tag).content;
  }

  /** A reader of the element's content, under the same rule. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag), this.#rule, this.#detail);
  }

  readOptional(tag: number): Uint8Array | undefined {
    return this.peeks(tag) ? this.read(tag) : undefined;
  }

  #header(bytes: Uint8Array): LaxHeader {
    return readLaxHeader(bytes) ?? this.fail();
  }

  /** An optional element as `encoding/asn1` takes it: whatever comes instead must have a well-formed header. */
  readOptionalField(tag: number): Uint8Array | undefined {
    if (this.isEmpty || this.#header(this.#rest).tag !== tag) return undefined;
    return this.read(tag);
  }

  /**
   * The element with `tag` inside an optional explicit one, as `encoding/asn1` takes it: the length of the inner element counts,
   * not that of the outer one.
   */
  enterOptionalField(explicitTag: number, tag: number): DerReader | undefined {
    if (this.isEmpty) return undefined;
    const outer = this.#header(this.#rest);
    const content = this.#rest.subarray(outer.headerLength);
    if (content.length === 0) return this.fail();
    const isEmptyOne = outer.tag === (explicitTag & ~0x20) && outer.length === 0;
    if (isEmptyOne || (outer.tag === explicitTag && outer.length === 0)) return this.fail();
    if (outer.tag !== explicitTag) return undefined;
    const inner = this.#header(content);
    if (inner.tag !== tag) return undefined;
    const end = inner.headerLength + inner.length;
    if (end > content.length) return this.fail();
    this.#rest = content.subarray(end);
    return new DerReader(content.subarray(0, end), this.#rule, this.#detail);
  }

  /** The content of an INTEGER in the fewest bytes. */
  readIntegerBytes(tag = 0x02): Uint8Array {
    const content = this.read(tag);
    return isMinimalInteger(content) ? content : this.fail();
  }

  readInteger(tag = 0x02): bigint {
    return toBigInt(this.readIntegerBytes(tag));
  }

  /** An INTEGER that fits Go's `int`. */
  readSmallInteger(tag = 0x02): bigint {
    const content = this.readIntegerBytes(tag);
    return content.length > 8 ? this.fail() : toBigInt(content);
  }

  readBoolean(): boolean {
    const content = this.read(0x01);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) return this.fail();
    return content[0] === 0xff;
  }

  /** The content of an OBJECT IDENTIFIER in hexadecimal. */
  readOid(): string {
    const content = this.read(0x06);
    return isObjectIdentifier(content) ? Buffer.from(content).toString('hex') : this.fail();
  }

  readBitString(): BitString {
    const content = this.read(0x03);
    const [unused = 8] = content;
    const bytes = content.subarray(1);
    const last = bytes.at(-1);
    if (unused > 7 || (last === undefined && unused !== 0)) return this.fail();
    if (last !== undefined && (last & ((1 << unused) - 1)) !== 0) return this.fail();
    return { bytes, bitLength: bytes.length * 8 - unused };
  }
}

export interface BitString {
  readonly bytes: Uint8Array;
  readonly bitLength: number;
}

/** The bits of a BIT STRING shifted to the end of their bytes, as Go takes keys and signatures. */
export function alignRight({ bytes, bitLength }: BitString): Uint8Array {
  const unused = BigInt(bytes.length * 8 - bitLength);
  if (unused === 0n) return bytes;
  const shifted = (BigInt(`0x${Buffer.from(bytes).toString('hex')}`) >> unused).toString(16);
  return Buffer.from(shifted.padStart(bytes.length * 2, '0'), 'hex');
}

function isMinimalInteger(content: Uint8Array): boolean {
  const [first, second] = content;
  if (first === undefined) return false;
  if (second === undefined) return true;
  return !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
}

/** An INTEGER's value; two's complement. */
function toBigInt(content: Uint8Array): bigint {
  const value = BigInt(`0x${Buffer.from(content).toString('hex')}`);
  return (content[0] ?? 0) < 0x80 ? value : value - (1n << BigInt(content.length * 8));
}

/** Each arc in the fewest bytes and below 2^31. */
function isObjectIdentifier(content: Uint8Array): boolean {
  let arc = 0;
  let isInside = false;
  for (const byte of content) {
    if (!isInside && byte === 0x80) return false;
    arc = (isInside ? arc : 0) * 128 + (byte & 0x7f);
    if (arc >= 2 ** 31) return false;
    isInside = byte >= 0x80;
  }
  return content.length > 0 && !isInside;
}

/** The content of an OBJECT IDENTIFIER, from hexadecimal to dotted. */
export function dottedOid(hex: string): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of Buffer.from(hex, 'hex')) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(...(arcs.length > 0 ? [arc] : arc < 80 ? [Math.floor(arc / 40), arc % 40] : [2, arc - 80]));
    arc = 0;
  }
  return arcs.join('.');
}
