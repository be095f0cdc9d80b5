/** Pages of a bbolt file. Source of the format: bbolt, `internal/common/page.go`, `meta.go`. All numbers are little-endian. */

export const PAGE_HEADER_BYTES = 16;

const BRANCH = 0x01;
const LEAF = 0x02;
const META = 0x04;
const MAGIC = 0xed_0c_da_ed;
const VERSION = 2;
/** Of a branch element and of a leaf element. */
const ELEMENT_BYTES = 16;
const IS_BUCKET = 1;
const META_BYTES = 64;

/** What the newest meta page says. */
export interface DatabaseMeta {
  /** Bytes. */
  readonly pageSize: number;
  /** The page of the root bucket. */
  readonly root: bigint;
  /** The number of pages. */
  readonly end: bigint;
  readonly transaction: bigint;
}

/** `undefined` for a page that is no meta page, or whose checksum is wrong. */
export function readMeta(page: Uint8Array): DatabaseMeta | undefined {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  if (bytes.length < PAGE_HEADER_BYTES + META_BYTES || (bytes.readUInt16LE(8) & META) === 0) return undefined;
  const meta = bytes.subarray(PAGE_HEADER_BYTES);
  if (meta.readUInt32LE(0) !== MAGIC || meta.readUInt32LE(4) !== VERSION) return undefined;
  const checksumAt = META_BYTES - 8;
  if (meta.readBigUInt64LE(checksumAt) !== fnv1a(meta.subarray(0, checksumAt))) return undefined;
  return {
    pageSize: meta.readUInt32LE(8),
    root: meta.readBigUInt64LE(16),
    end: meta.readBigUInt64LE(40),
    transaction: meta.readBigUInt64LE(48),
  };
}

/** The pages below a branch page, in the order of their keys; `undefined` for any other page. */
export function readBranch(page: Uint8Array): readonly bigint[] | undefined {
  const bytes = elementsOf(page, BRANCH);
  return bytes && indexes(bytes).map((at) => bytes.readBigUInt64LE(at + 8));
}

/** The entries of a leaf page, in the order of their keys; `undefined` for any other page, and for a damaged one. */
export function readLeaf(
  page: Uint8Array,
): readonly { readonly key: Uint8Array; readonly value: Uint8Array; readonly isBucket: boolean }[] | undefined {
  const bytes = elementsOf(page, LEAF);
  if (bytes === undefined) return undefined;
  const entries = indexes(bytes).map((at) => {
    const [flags, position, keySize, valueSize] = [0, 4, 8, 12].map((field) => bytes.readUInt32LE(at + field));
    const start = at + (position ?? 0);
    const middle = start + (keySize ?? 0);
    const end = middle + (valueSize ?? 0);
    if (end > bytes.length) return undefined;
    return {
      key: new Uint8Array(bytes.subarray(start, middle)),
      value: new Uint8Array(bytes.subarray(middle, end)),
      isBucket: ((flags ?? 0) & IS_BUCKET) !== 0,
    };
  });
  const whole = entries.filter((entry) => entry !== undefined);
  return whole.length === entries.length ? whole : undefined;
}

/** `undefined` when the page has other flags, or fewer bytes than its elements need. */
function elementsOf(page: Uint8Array, flag: number): Buffer | undefined {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.byteLength);
  if (bytes.length < PAGE_HEADER_BYTES || (bytes.readUInt16LE(8) & flag) === 0) return undefined;
  return PAGE_HEADER_BYTES + countOf(bytes) * ELEMENT_BYTES > bytes.length ? undefined : bytes;
}

function countOf(bytes: Buffer): number {
  return bytes.readUInt16LE(10);
}

function indexes(bytes: Buffer): readonly number[] {
  return Array.from({ length: countOf(bytes) }, (_, index) => PAGE_HEADER_BYTES + index * ELEMENT_BYTES);
}

/** FNV-1a of 64 bits. */
function fnv1a(bytes: Uint8Array): bigint {
  return bytes.reduce(
    (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x1_00_00_00_01_b3n),
    0xcb_f2_9c_e4_84_22_23_25n,
  );
}
