import { isRecoveryError } from '@kube-rescue/errors';
import type { KeyValue, ListBatch, RangeRequest, RangeResult } from './kv.ts';

type ReadRange = (request: RangeRequest & { readonly maxMessageBytes?: number }) => Promise<RangeResult>;

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
const STRETCH_KEYS = 2000;
/** In one request for boundaries: some 20 MB. */
const BOUNDARY_KEYS = 200_000;
/** Of values in one answer, about. */
const PAGE_BYTES = 4 * 1024 * 1024;
const MAX_PAGE_BYTES = 32 * 1024 * 1024;
/** Pages asked for before they are needed, so that etcd works while we do. */
const PAGES_AHEAD = 2;

/**
 * Every key of a range at one revision, a few MiB at a time.
 *
 * Each limited request makes etcd walk the whole rest of its range to count it, so that plain paging takes time by the
 * square of the keys. Here the keys alone are read first, in large pieces, and the values then between boundaries that
 * were found so.
 */
export async function* listRange(request: ListRequest, read: ReadRange): AsyncGenerator<ListBatch, void> {
  const sizer = new PageSizer();
  const first = await readPage(request, { ...request, limit: FIRST_KEYS }, sizer, read);
  const { revision: asked, ...rest } = request;
  const revision = asked ?? first.revision;
  yield { entries: first.entries, revision, total: first.count };
  if (!first.more) return;

  const fixed = { ...rest, revision };
  const stretches = findStretches({ ...fixed, start: keyAfter(first.entries) }, read);
  const pages = aheadOf(stretches, (stretch) => readStretch({ ...fixed, ...stretch }, sizer, read));
  for await (const entries of pages) yield { entries, revision, total: first.count };
}

/** Parts of the range that hold about the same number of keys each. */
async function* findStretches(request: ListRequest, read: ReadRange): AsyncGenerator<Stretch, void> {
  let { start } = request;
  for (;;) {
    const { entries, more } = await read({ ...request, start, limit: BOUNDARY_KEYS, keysOnly: true });
    const boundaries = entries.filter((_, index) => index % STRETCH_KEYS === 0).map(({ key }) => key.slice());
    const next = more ? keyAfter(entries) : request.end;
    for (const [index, key] of boundaries.entries()) yield { start: key, end: boundaries[index + 1] ?? next };
    if (!more) return;
    start = next;
  }
}

/** The pages of one stretch; the first of them was asked for ahead of time. */
async function* readStretch(
  request: ListRequest,
  sizer: PageSizer,
  read: ReadRange,
): AsyncGenerator<readonly KeyValue[], void> {
  for (let { start } = request; ; ) {
    const page = await readPage(request, { ...request, start, limit: sizer.keys }, sizer, read);
    yield page.entries;
    if (!page.more) return;
    start = keyAfter(page.entries);
  }
}

/** One page; half of it, and half of that, when its values are too many bytes. */
async function readPage(
  { signal }: ListRequest,
  page: RangeRequest & { readonly limit: number },
  sizer: PageSizer,
  read: ReadRange,
): Promise<RangeResult> {
  signal?.throwIfAborted();
  try {
    const result = await read({ ...page, maxMessageBytes: MAX_PAGE_BYTES });
    sizer.note(result.entries);
    return result;
  } catch (error) {
    if (!isRecoveryError(error, 'ETCD_TOO_LARGE') || page.limit === 1) throw error;
    const limit = Math.ceil(page.limit / 2);
    sizer.limitTo(limit);
    return readPage({ ...page, end: page.end ?? page.start }, { ...page, limit }, sizer, read);
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

/** Runs `read` on each stretch in order, with the first page of the next ones already on its way. */
async function* aheadOf<T>(
  stretches: AsyncGenerator<Stretch, void>,
  read: (stretch: Stretch) => AsyncGenerator<T, void>,
): AsyncGenerator<T, void> {
  const started: { readonly pages: AsyncGenerator<T, void>; readonly first: Promise<IteratorResult<T, void>> }[] = [];
  const fill = async (): Promise<void> => {
    while (started.length <= PAGES_AHEAD) {
      const stretch = await stretches.next();
      if (stretch.done === true) return;
      const pages = read(stretch.value);
      const first = pages.next();
      // Heard again when its turn comes.
      first.catch(() => undefined);
      started.push({ pages, first });
    }
  };
  try {
    for (;;) {
      await fill();
      const next = started.shift();
      if (next === undefined) return;
      const page = await next.first;
      if (page.done === true) continue;
      yield page.value;
      yield* next.pages;
    }
  } finally {
    await Promise.all(started.map(({ first, pages }) => first.then(() => pages.return(), () => undefined)));
  }
}

/** The first key behind the last of `entries`. */
function keyAfter(entries: readonly KeyValue[]): Uint8Array {
  const key = entries.at(-1)?.key ?? new Uint8Array();
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}
