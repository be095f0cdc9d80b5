import { isRecoveryError } from '@kube-rescue/errors';
import type { KeyValue, ListBatch, RangeRequest, RangeResult } from './kv.ts';
import { readAhead } from '../transport/read-ahead.ts';

/** What is kept of an answer. */
export interface RangeBounds {
  /** Default: the client's own. */
  readonly maxMessageBytes?: number;
  /** Keep every n-th key only, and the last. Default: 1. */
  readonly keepEvery?: number;
}

type ReadRange = (request: RangeRequest, bounds: RangeBounds) => Promise<RangeResult>;

export interface ListRequest extends Omit<RangeRequest, 'end' | 'limit' | 'keysOnly' | 'countOnly'> {
  readonly end: Uint8Array;
}

interface Stretch {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** In the first request; most listings are no longer than that. */
const FIRST_KEYS = 500;
/** Between two boundaries; what etcd counts again for each page within them. */
const STRETCH_KEYS = 1000;
/** In the first request for boundaries, and at most; each is twice the one before. */
const FIRST_BOUNDARY_KEYS = 8 * STRETCH_KEYS;
const MAX_BOUNDARY_KEYS = 128 * STRETCH_KEYS;
/** Of values in one answer, about. */
const PAGE_BYTES = 2 * 1024 * 1024;
const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/** Asked for before they are needed, so that etcd works while we do. */
const PAGES_AHEAD = 3;

/**
 * Every key of a range at one revision, a few MiB at a time.
 *
 * Each limited request makes etcd walk the whole rest of its range to count it, so that plain paging takes time by the
 * square of the keys. Here the keys alone are read ahead, in large pieces, and the values then between boundaries that
 * were found so.
 */
export async function* listRange(request: ListRequest, read: ReadRange): AsyncGenerator<ListBatch, void> {
  const sizer = new PageSizer();
  const first = await readPage({ ...request, limit: FIRST_KEYS }, sizer, read);
  const { revision: asked, ...rest } = request;
  const revision = asked ?? first.revision;
  yield { entries: first.entries, revision, total: first.count };
  if (!first.more) return;

  const fixed = { ...rest, revision };
  const stretches = readAhead(findStretches({ ...fixed, start: keyAfter(first.entries) }, read), 1);
  for await (const { firstPage, pages } of readAhead(startStretches(stretches, fixed, sizer, read), PAGES_AHEAD)) {
    const page = await firstPage;
    if (page.done === true) continue;
    yield { entries: page.value, revision, total: first.count };
    for await (const entries of pages) yield { entries, revision, total: first.count };
  }
}

/** Parts of the range that hold about the same number of keys each, many at a time. */
async function* findStretches(request: ListRequest, read: ReadRange): AsyncGenerator<readonly Stretch[], void> {
  let { start } = request;
  for (let limit = FIRST_BOUNDARY_KEYS; ; limit = Math.min(2 * limit, MAX_BOUNDARY_KEYS)) {
    const { entries, more } = await read({ ...request, start, limit, keysOnly: true }, { keepEvery: STRETCH_KEYS });
    const next = more ? keyAfter(entries) : request.end;
    // Copies, so that the long answer they lie in can go. The last key is kept only to tell where to go on.
    const starts = entries.slice(0, Math.max(1, entries.length - 1)).map(({ key }) => Uint8Array.from(key));
    yield starts.map((key, index) => ({ start: key, end: starts[index + 1] ?? next }));
    if (!more) return;
    start = next;
  }
}

/** Asks for the first page of each stretch, without waiting for it. */
async function* startStretches(
  stretches: AsyncIterable<readonly Stretch[]>,
  request: Omit<RangeRequest, 'start'>,
  sizer: PageSizer,
  read: ReadRange,
): AsyncGenerator<{ firstPage: Promise<IteratorResult<readonly KeyValue[], void>>; pages: Pages }, void> {
  for await (const several of stretches) {
    for (const stretch of several) {
      const pages = readStretch({ ...request, ...stretch }, sizer, read);
      const firstPage = pages.next();
      // Heard when its turn comes.
      firstPage.catch(() => undefined);
      yield { firstPage, pages };
    }
  }
}

type Pages = AsyncGenerator<readonly KeyValue[], void>;

async function* readStretch(request: RangeRequest, sizer: PageSizer, read: ReadRange): Pages {
  for (let { start } = request; ; ) {
    const page = await readPage({ ...request, start, limit: sizer.keys }, sizer, read);
    yield page.entries;
    if (!page.more) return;
    start = keyAfter(page.entries);
  }
}

/** One page; half of it, and half of that, when its values are too many bytes. */
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

/** How many keys make a page of {@link PAGE_BYTES}, by what has been seen. */
class PageSizer {
  #keys = FIRST_KEYS;

  get keys(): number {
    return this.#keys;
  }

  note(entries: readonly KeyValue[]): void {
    if (entries.length === 0) return;
    const bytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    const fitting = Math.floor((PAGE_BYTES * entries.length) / bytes);
    this.#keys = Math.max(1, Math.min(fitting, STRETCH_KEYS, this.#keys * 2));
  }

  limitTo(keys: number): void {
    this.#keys = Math.min(this.#keys, keys);
  }
}

/** The first key behind the last of `entries`. */
function keyAfter(entries: readonly KeyValue[]): Uint8Array {
  const key = entries.at(-1)?.key ?? new Uint8Array();
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}
