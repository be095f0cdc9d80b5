/** One block as Go's `encoding/pem` reads it. */
export interface GoPemBlock {
  readonly label: string;
  readonly hasHeaders: boolean;
  readonly headers: ReadonlyMap<string, string>;
  readonly der: Uint8Array;
}

/**
 * The bytes of base64 as Go's `base64.StdEncoding` decodes them: line breaks are skipped, padding is required, everything else
 * refuses (encoding/base64 base64.go). `undefined` for text that it refuses.
 */
function decodeGoBase64(text: string): Uint8Array | undefined {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, 'base64');
}

interface Line {
  /** Without its line break (LF or CRLF) and the blanks before that. */
  readonly text: string;
  readonly next: number;
}

function readLine(source: string, start: number): Line {
  const lineFeed = source.indexOf('\n', start);
  const next = lineFeed < 0 ? source.length : lineFeed + 1;
  let end = lineFeed < 0 ? source.length : lineFeed;
  if (lineFeed > start && source[lineFeed - 1] === '\r') end -= 1;
  while (end > start && (source[end - 1] === ' ' || source[end - 1] === '\t')) end -= 1;
  return { text: source.slice(start, end), next };
}

const BEGIN = '-----BEGIN ';
const END = '\n-----END ';
const DASHES = '-----';

interface Attempt {
  readonly block: GoPemBlock | undefined;
  /** The search goes on here. */
  readonly next: number;
}

/**
 * Reads the block whose END line begins at `endIndex`, from the last BEGIN line before it. `undefined` ends the search: Go gives
 * up on a text that ends inside the headers.
 */
function readBlock(source: string, from: number, endIndex: number): Attempt | undefined {
  const skipped = { block: undefined, next: endIndex + END.length };
  const begin = source.slice(from, endIndex).lastIndexOf(BEGIN);
  if (begin < 0 || (begin > 0 && source[from + begin - 1] !== '\n')) return skipped;
  const typeLine = readLine(source, from + begin + BEGIN.length);
  if (!typeLine.text.endsWith(DASHES)) return skipped;
  const label = typeLine.text.slice(0, -DASHES.length);
  const headers = new Map<string, string>();
  let body = typeLine.next;
  for (;;) {
    if (body >= source.length) return undefined;
    const line = readLine(source, body);
    const colon = line.text.indexOf(':');
    if (colon < 0) break;
    headers.set(line.text.slice(0, colon).trim(), line.text.slice(colon + 1).trim());
    body = line.next;
  }
  if (headers.size > 0 && endIndex < body) return body > skipped.next ? undefined : skipped;
  const trailer = `${label}${DASHES}`;
  if (!source.startsWith(trailer, skipped.next)) return skipped;
  const afterEnd = readLine(source, skipped.next + trailer.length);
  if (afterEnd.text !== '') return skipped;
  const der = endIndex > body ? decodeGoBase64(source.slice(body, endIndex).replace(/[ \t]/g, '')) : new Uint8Array();
  if (der === undefined) return skipped;
  return { block: { label, hasHeaders: headers.size > 0, headers, der }, next: afterEnd.next };
}

/**
 * The PEM blocks that Go's `encoding/pem` finds in a text, in order. It passes over whatever it cannot read, without a word: an
 * indented block, a block without an END line, a block whose base64 is malformed. Takes time in proportion to the text.
 *
 * @param source the file byte for byte (latin1)
 */
export function readGoPem(source: string): readonly GoPemBlock[] {
  const blocks: GoPemBlock[] = [];
  for (let from = 0; ; ) {
    const endIndex = source.indexOf(END, from);
    const attempt = endIndex < 0 ? undefined : readBlock(source, from, endIndex);
    if (attempt === undefined) return blocks;
    if (attempt.block !== undefined) blocks.push(attempt.block);
    from = attempt.next;
  }
}
