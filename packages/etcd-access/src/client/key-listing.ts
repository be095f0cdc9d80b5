import { isRecoveryError } from '@kube-rescue/errors';
import type { KeyValue, ListBatch, RangeRequest, RangeResult } from './kv.ts';
import { EtcdError } from '../errors.ts';
import { readAhead } from '../transport/read-ahead.ts';

/** Limits of one range request. */
export interface RangeBounds {
  /** Default: that of the client. */
  readonly maxMessageBytes?: number;
  /** Keep every n-th key only, and the last. Default: 1. */
  readonly keepEvery?: number;
}

type ReadRange = (request: RangeRequest, bounds: RangeBounds) => Promise<RangeResult>;

export interface ListRequest extends Omit<RangeRequest, 'end' | 'limit' | 'keysOnly' | 'countOnly'> {
  readonly end: Uint8Array;
}

interface Subrange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** Keys in the first request; enough for most listings. */
const FIRST_KEYS = 500;
/** Keys per subrange; etcd counts them again for each page within it. */
const SUBRANGE_KEYS = 1000;
/** Keys in the first request for boundaries and at most; the number doubles with each request. */
const FIRST_BOUNDARY_KEYS = 8 * SUBRANGE_KEYS;
const MAX_BOUNDARY_KEYS = 128 * SUBRANGE_KEYS;
/** Target size of one page. */
const PAGE_BYTES = 2 * 1024 * 1024;
const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/** etcd holds 8 GiB at most; the boundaries of the subranges count as well. */
const MOST_KEYS = 20_000_000;
/** Pages requested ahead, so that etcd works in parallel with the reader. */
const PAGES_AHEAD = 3;

/**
 * Every key of a range at one revision, a few MiB at a time.
 *
 * For each limited request etcd counts the whole rest of the range, so plain paging takes quadratic time. Therefore the keys
 * alone are read ahead in large pages, and the values then in the subranges found this way.
 */
export async function* listRange(request: ListRequest, readUnchecked: ReadRange): AsyncGenerator<ListBatch, void> {
  const read = checkedRead(request.end, readUnchecked);
  const sizer = new PageSizer();
  const first = await readPage({ ...request, limit: FIRST_KEYS }, sizer, read);
  const { revision: asked, ...rest } = request;
  const revision = asked ?? first.revision;
  yield { entries: first.entries, revision, total: first.count };
  if (!first.more) return;

  const fixed = { ...rest, revision };
  const subranges = readAhead(findSubranges({ ...fixed, start: keyAfter(first.entries) }, read), 1);
  for await (const { firstPage, pages } of readAhead(startSubranges(subranges, fixed, sizer, read), PAGES_AHEAD)) {
    const page = await firstPage;
    if (page.done === true) continue;
    yield { entries: page.value, revision, total: first.count };
    for await (const entries of pages) yield { entries, revision, total: first.count };
  }
}

/**
 * Refuses pages that would make a listing endless: without keys although more follow, with keys that are out of order or outside
 * the range, or more keys than any etcd holds.
 */
function checkedRead(end: Uint8Array, read: ReadRange): ReadRange {
  let keys = 0;
  return async (request, bounds) => {
    const result = await read(request, bounds);
    const { entries, more } = result;
    keys += entries.length;
    const first = entries.at(0)?.key;
    const last = entries.at(-1)?.key;
    const isAscending = entries.every(({ key }, index) => {
      const before = entries[index - 1]?.key;
      return before === undefined || Buffer.compare(before, key) < 0;
    });
    const isInside =
      first === undefined ||
      last === undefined ||
      (Buffer.compare(first, request.start) >= 0 && (isOpen(end) || Buffer.compare(last, request.end ?? end) < 0));
    if (more && last === undefined) throw endless('a page without keys, and more to follow');
    if (!isAscending || !isInside) throw endless('keys out of order or outside of the range');
    if (keys > MOST_KEYS) throw endless(`more than ${MOST_KEYS} keys`);
    return result;
  };
}

/** etcd's end of a range that has no end. */
function isOpen(end: Uint8Array): boolean {
  return end.length === 1 && end[0] === 0;
}

function endless(what: string): EtcdError {
  return new EtcdError({
    code: 'ETCD_CORRUPT',
    message: `a member answers a listing with ${what}`,
    subject: 'etcd',
    hint: 'check that no other server answers in place of etcd; compare the members with etcdctl endpoint hashkv',
  });
}

/** Splits the range into subranges of about the same number of keys, many at a time. */
async function* findSubranges(request: ListRequest, read: ReadRange): AsyncGenerator<readonly Subrange[], void> {
  let { start } = request;
  for (let limit = FIRST_BOUNDARY_KEYS; ; limit = Math.min(2 * limit, MAX_BOUNDARY_KEYS)) {
    const { entries, more } = await read({ ...request, start, limit, keysOnly: true }, { keepEvery: SUBRANGE_KEYS });
    const next = more ? keyAfter(entries) : request.end;
    // Copies, so that the long response can be freed. The last key only marks the end of the page.
    const starts = entries.slice(0, Math.max(1, entries.length - 1)).map(({ key }) => Uint8Array.from(key));
    yield starts.map((key, index) => ({ start: key, end: starts[index + 1] ?? next }));
    if (!more) return;
    start = next;
  }
}

/** Requests the first page of each subrange, without waiting for it. */
async function* startSubranges(
  subranges: AsyncIterable<readonly Subrange[]>,
  request: Omit<RangeRequest, 'start'>,
  sizer: PageSizer,
  read: ReadRange,
): AsyncGenerator<{ firstPage: Promise<IteratorResult<readonly KeyValue[], void>>; pages: Pages }, void> {
  for await (const several of subranges) {
    for (const subrange of several) {
      const pages = readSubrange({ ...request, ...subrange }, sizer, read);
      const firstPage = pages.next();
      // The rejection is handled when the page is awaited.
      firstPage.catch(() => undefined);
      yield { firstPage, pages };
    }
  }
}

type Pages = AsyncGenerator<readonly KeyValue[], void>;

async function* readSubrange(request: RangeRequest, sizer: PageSizer, read: ReadRange): Pages {
  for (let { start } = request; ; ) {
    const page = await readPage({ ...request, start, limit: sizer.keys }, sizer, read);
    yield page.entries;
    if (!page.more) return;
    start = keyAfter(page.entries);
  }
}

/** One page; halved again while its values are too large. */
async function readPage(
  page: RangeRequest & { readonly limit: number },
  sizer: PageSizer,
  read: ReadRange,
): Promise<RangeResult> {
  try {
    const result = await read(page, { maxMessageBytes: MAX_PAGE_BYTES });
    sizer.note(result.entries);
    return result;
  } catch (error) {
    if (!isRecoveryError(error, 'ETCD_TOO_LARGE') || page.limit === 1) throw error;
    const limit = Math.ceil(page.limit / 2);
    sizer.limitTo(limit);
    return readPage({ ...page, limit }, sizer, read);
  }
}

/** Estimates how many keys make a page of {@link PAGE_BYTES}. */
class PageSizer {
  #keys = FIRST_KEYS;

  get keys(): number {
    return this.#keys;
  }

  note(entries: readonly KeyValue[]): void {
    if (entries.length === 0) return;
    const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    const fitting = Math.floor((PAGE_BYTES * entries.length) / bytes);
    this.#keys = Math.max(1, Math.min(fitting, SUBRANGE_KEYS, this.#keys * 2));
  }

  limitTo(keys: number): void {
    this.#keys = Math.min(this.#keys, keys);
  }
}

/** The first possible key after the last of `entries`. */
function keyAfter(entries: readonly KeyValue[]): Uint8Array {
  const key = entries.at(-1)?.key ?? new Uint8Array();
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}
