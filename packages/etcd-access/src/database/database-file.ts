import type { HostFiles, HostPath } from '@kube-rescue/host';
import { EtcdError } from '../errors.ts';
import { type DatabaseMeta, PAGE_HEADER_BYTES, readBranch, readLeaf, readMeta } from './database-page.ts';

/** One entry of a bucket. */
interface DatabaseEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The database of one member as it lies on the disk, or a snapshot: a bbolt file. */
export interface DatabaseFile {
  /** The entries of a bucket, in the order of their keys; none where the bucket is missing. @throws EtcdError `ETCD_DATABASE_INVALID` */
  entries(bucket: string): AsyncIterable<DatabaseEntry>;
  /** The last key of a bucket, without a walk over the others. @throws EtcdError `ETCD_DATABASE_INVALID` */
  lastKey(bucket: string): Promise<Uint8Array | undefined>;
}

type Files = Pick<HostFiles, 'readRange'>;
type Bucket = { readonly root: bigint } | { readonly inline: Uint8Array };

/** Before the page size is known. */
const PAGE_SIZES = [4096, 8192, 16_384, 65_536];
/** A tree of a database of 8 GiB has a depth of 5. */
const MAX_DEPTH = 20;
/** An entry of etcd has at most 1.5 MiB, and a page of several. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

/**
 * Opens the database of a member, or a snapshot, to read what etcd has committed to it. `undefined` when there is no such file.
 *
 * Writes and locks nothing. Does not read the write-ahead log, whose last entries may be missing here. A member that runs may reuse
 * pages meanwhile: then the result is an error, or the state of a moment ago. Verifies the newest meta page, not every page.
 * Source of the format: bbolt, `internal/common/page.go`, `meta.go`, `bucket.go`.
 * @throws EtcdError `ETCD_DATABASE_INVALID`; HostError
 */
export async function openDatabase(
  path: HostPath,
  { host }: { readonly host: Files },
): Promise<DatabaseFile | undefined> {
  const head = await host.readRange(path, { offset: 0, length: PAGE_SIZES[0] ?? 0 });
  if (head === undefined) return undefined;
  const meta = await findMeta(path, head, host);
  const read = createPages(path, meta, host);
  const find = async (name: string): Promise<Bucket | undefined> => {
    const wanted = new TextEncoder().encode(name);
    for await (const { key, value, isBucket } of walk({ root: meta.root }, read)) {
      if (isBucket && Buffer.compare(key, wanted) === 0) return bucketOf(value, path);
    }
    return undefined;
  };
  return {
    async *entries(name) {
      const bucket = await find(name);
      if (bucket !== undefined) yield* walk(bucket, read);
    },
    lastKey: async (name) => {
      const bucket = await find(name);
      return bucket && lastKeyOf(bucket, read);
    },
  };
}

/** The newer of both meta pages whose checksum is right. */
async function findMeta(path: HostPath, head: Uint8Array, host: Files): Promise<DatabaseMeta> {
  const first = readMeta(head);
  const sizes = first === undefined ? PAGE_SIZES : [first.pageSize];
  const seconds = await Promise.all(
    sizes.map(async (pageSize) => {
      const bytes = await host.readRange(path, { offset: pageSize, length: 4096 });
      const meta = bytes && readMeta(bytes);
      return meta?.pageSize === pageSize ? meta : undefined;
    }),
  );
  const [newest] = [first, ...seconds]
    .filter((meta) => meta !== undefined)
    .toSorted((a, b) => (a.transaction < b.transaction ? 1 : -1));
  if (newest === undefined) throw invalid(path, 'it has no valid meta page');
  return newest;
}

interface Pages {
  readonly path: HostPath;
  at(id: bigint): Promise<Uint8Array>;
}

function createPages(path: HostPath, { pageSize, end }: DatabaseMeta, host: Files): Pages {
  return {
    path,
    at: async (id) => {
      if (id < 2n || id >= end) throw invalid(path, `page ${id} is beyond its end`);
      const offset = Number(id) * pageSize;
      const page = await host.readRange(path, { offset, length: pageSize });
      if (page === undefined || page.length < PAGE_HEADER_BYTES) throw invalid(path, `page ${id} is missing`);
      const overflow = Buffer.from(page.buffer, page.byteOffset).readUInt32LE(12);
      if (overflow === 0) return page;
      const length = pageSize * (overflow + 1);
      if (length > MAX_PAGE_BYTES) throw invalid(path, `page ${id} is too large`);
      return (await host.readRange(path, { offset, length })) ?? page;
    },
  };
}

async function* walk(
  bucket: Bucket,
  pages: Pages,
  depth = 0,
): AsyncGenerator<DatabaseEntry & { readonly isBucket: boolean }> {
  if (depth > MAX_DEPTH) throw invalid(pages.path, 'its pages form a circle');
  const page = 'root' in bucket ? await pages.at(bucket.root) : bucket.inline;
  const children = readBranch(page);
  if (children === undefined) {
    const leaf = readLeaf(page);
    if (leaf === undefined) throw invalid(pages.path, 'a page is neither branch nor leaf');
    yield* leaf;
    return;
  }
  for (const root of children) yield* walk({ root }, pages, depth + 1);
}

async function lastKeyOf(bucket: Bucket, pages: Pages, depth = 0): Promise<Uint8Array | undefined> {
  if (depth > MAX_DEPTH) throw invalid(pages.path, 'its pages form a circle');
  const page = 'root' in bucket ? await pages.at(bucket.root) : bucket.inline;
  const root = readBranch(page)?.at(-1);
  return root === undefined ? readLeaf(page)?.at(-1)?.key : lastKeyOf({ root }, pages, depth + 1);
}

/** A small bucket has its page in the value of its entry, after a header of 16 bytes. */
function bucketOf(value: Uint8Array, path: HostPath): Bucket {
  if (value.length < 16) throw invalid(path, 'the header of a bucket is truncated');
  const root = Buffer.from(value).readBigUInt64LE(0);
  return root === 0n ? { inline: value.subarray(16) } : { root };
}

function invalid(path: HostPath, reason: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_DATABASE_INVALID',
    message: `not a readable database of etcd: ${reason}`,
    subject: path,
    hint: 'give the file of `etcdctl snapshot save`, or `member/snap/db` of a data directory; if it is damaged, use another copy',
  });
}
