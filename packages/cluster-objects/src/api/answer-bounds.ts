import { ObjectError } from '../errors.ts';

/** Bounds for the answers of an API server, which may be hostile, or a proxy in its place. */
export interface AnswerBounds {
  /** For the body of one answer. */
  readonly bodyBytes: number;
  /** For all pages of one list. */
  readonly listBytes: number;
  readonly listPages: number;
  readonly listObjects: number;
  /** Unreadable objects of one list. */
  readonly listFailures: number;
  /** For all pages of one list, while the server answers; the time of the reader does not count. */
  readonly listMs: number;
}

/**
 * A page of 500 objects has a few MiB; the API server refuses objects beyond 1.5 MiB, and a page with many large ones is asked for
 * again in smaller parts. The 150,000 pods of the largest supported cluster have about 1.5 GB.
 */
export const ANSWER_BOUNDS: AnswerBounds = {
  bodyBytes: 64 * 1024 * 1024,
  listBytes: 2 * 1024 * 1024 * 1024,
  listPages: 10_000,
  listObjects: 1_000_000,
  listFailures: 10_000,
  listMs: 300_000,
};

/** An answer beyond a bound: the peer, what it sends, and the bound. */
export function beyondBound(subject: string, what: string, bound: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ANSWER_TOO_LARGE',
    message: `the API server sends ${what}; the bound is ${bound}`,
    subject,
    hint: 'check that no proxy answers in place of the API server; read the objects from etcd instead (--via etcd)',
  });
}

/** `64 MiB` */
export function formatBytes(bytes: number): string {
  const [unit, size] = bytes >= 1024 ** 3 ? ['GiB', 1024 ** 3] : bytes >= 1024 ** 2 ? ['MiB', 1024 ** 2] : ['bytes', 1];
  return `${Math.round(bytes / size)} ${unit}`;
}

/** Counts the pages of one list against the bounds. */
export class ListMeter {
  readonly #bounds: AnswerBounds;
  readonly #subject: string;
  readonly #tokens = new Set<string>();
  #pages = 0;
  #objects = 0;
  #bytes = 0;
  #failures = 0;
  #ms = 0;

  constructor(subject: string, bounds: AnswerBounds) {
    this.#subject = subject;
    this.#bounds = bounds;
  }

  /** @throws ObjectError `OBJECT_ANSWER_TOO_LARGE` */
  addPage(page: { readonly objects: number; readonly bytes: number; readonly ms: number }): void {
    const { listPages, listObjects, listBytes, listMs } = this.#bounds;
    this.#pages += 1;
    this.#objects += page.objects;
    this.#bytes += page.bytes;
    this.#ms += page.ms;
    if (this.#pages > listPages) throw beyondBound(this.#subject, 'a list without an end', `${listPages} pages`);
    if (this.#objects > listObjects)
      throw beyondBound(this.#subject, 'a list without an end', `${listObjects} objects`);
    if (this.#bytes > listBytes) throw beyondBound(this.#subject, 'a list without an end', formatBytes(listBytes));
    if (this.#ms > listMs) throw beyondBound(this.#subject, 'a list without an end', `${listMs / 1000} s`);
  }

  /** @throws ObjectError `OBJECT_ANSWER_TOO_LARGE` */
  addFailure(): void {
    this.#failures += 1;
    const { listFailures } = this.#bounds;
    if (this.#failures > listFailures) {
      throw beyondBound(this.#subject, 'unreadable objects without an end', `${listFailures} objects`);
    }
  }

  /** Whether the server has sent this token before: then the list never ends. */
  isRepeated(token: string): boolean {
    if (this.#tokens.has(token)) return true;
    this.#tokens.add(token);
    return false;
  }
}
