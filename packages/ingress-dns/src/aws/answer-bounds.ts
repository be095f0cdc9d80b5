import { type Readable, Transform } from 'node:stream';
import { IngressDnsError } from '../errors.ts';

/** Bounds for the answers of AWS, or of whatever answers in its place: endpoints and proxies are configurable. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** For the body of an answer, from its first byte. */
const BODY_TIMEOUT_MS = 15_000;
/** Pages of 100 zones: an account has 500 zones unless AWS raises the quota. */
export const MAX_ZONE_PAGES = 200;
/** Pages of 300 record sets: a zone has 10,000 unless AWS raises the quota. */
export const MAX_RECORD_PAGES = 400;

/** The body of an answer, which fails beyond the bounds. */
export function boundedBody(body: Readable, timeoutMs = BODY_TIMEOUT_MS): Readable {
  let bytes = 0;
  const bounded = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) done(null, chunk);
      else done(endless('an answer', `${MAX_BODY_BYTES} bytes`));
    },
  });
  const timer = setTimeout(() => bounded.destroy(endless('an answer that drips', `${timeoutMs / 1000} s`)), timeoutMs);
  bounded.once('close', () => {
    clearTimeout(timer);
    body.destroy();
  });
  body.once('error', (error) => bounded.destroy(error));
  body.once('close', () => {
    if (!body.readableEnded) bounded.destroy(new Error('the connection was lost'));
  });
  return body.pipe(bounded);
}

/** Follows the pages of one list. */
export class PageMeter {
  readonly #maxPages: number;
  readonly #seen = new Set<string>();

  constructor(maxPages: number) {
    this.#maxPages = maxPages;
  }

  /**
   * Checks that the next page is another one.
   * @throws IngressDnsError `DNS_ANSWER_TOO_LARGE`
   */
  follow(next: readonly (string | undefined)[]): void {
    const token = JSON.stringify(next);
    if (next.every((part) => part === undefined || part === ''))
      throw endless('a cut list without its next page', 'one page');
    if (this.#seen.has(token)) throw endless('a list that continues in a circle', 'each page once');
    this.#seen.add(token);
    if (this.#seen.size >= this.#maxPages) throw endless('a list', `${this.#maxPages} pages`);
  }
}

function endless(what: string, bound: string): IngressDnsError {
  return new IngressDnsError({
    code: 'DNS_ANSWER_TOO_LARGE',
    message: `AWS sends ${what} beyond the bound of ${bound}`,
    subject: 'AWS',
    hint: 'check which server answers in place of AWS: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_ROUTE_53, HTTPS_PROXY',
  });
}
