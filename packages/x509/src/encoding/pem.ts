import { X509Error } from '../errors.ts';
import { containsPem } from './pem-marks.ts';

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** For example `CERTIFICATE` or `EC PRIVATE KEY`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** From `-----BEGIN` to the end of the `-----END` line, unchanged, without the last line break. */
  readonly text: string;
  /** The offsets of `text` in the source; the end is exclusive. */
  readonly start: number;
  readonly end: number;
  /** Encrypted by the headers of RFC 1421 or by PKCS#8. */
  readonly encrypted: boolean;
}

const BEGIN = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$/;
const HEADER = /^([A-Za-z0-9-]+):\s*(.*)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function invalid(subject: string, reason: string): X509Error {
  return new X509Error({
    code: 'PKI_PEM_INVALID',
    message: `cannot read PEM: ${reason}`,
    subject,
    hint: 'restore the file from a backup',
  });
}

function readBody(lines: readonly string[], label: string, subject: string): Pick<PemBlock, 'der' | 'encrypted'> {
  const headers = lines.findIndex((line) => line.trim() === '');
  const hasHeaders = HEADER.test(lines[0] ?? '');
  const body = (hasHeaders ? lines.slice(headers + 1) : lines).join('').replace(/\s/g, '');
  if (body === '' || !BASE64.test(body)) throw invalid(subject, `the ${label} block is not base64`);
  const encrypted =
    label.startsWith('ENCRYPTED ') || (hasHeaders && lines.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line)));
  return { der: Buffer.from(body, 'base64'), encrypted };
}

interface Line {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function* readLines(text: string): Generator<Line> {
  const found = /\r?\n/g;
  for (let start = 0; start <= text.length; ) {
    found.lastIndex = start;
    const lineBreak = found.exec(text);
    const end = lineBreak?.index ?? text.length;
    yield { text: text.slice(start, end), start, end };
    start = end + (lineBreak?.[0].length ?? 1);
  }
}

/**
 * The blocks of a PEM text in order. Skips text before, between and after the blocks, as Go's `encoding/pem` does. A block
 * begins and ends at the beginning of a line, and a line ends with LF or CR LF, because Go finds no other block (Decode of
 * `encoding/pem`). Takes time in proportion to the text.
 *
 * @param subject the file, for errors
 * @throws X509Error `PKI_PEM_INVALID` when a block is incomplete or is not base64, or when there is none
 */
export function readPem(text: string, subject: string): readonly PemBlock[] {
  if (!containsPem(text)) throw invalid(subject, describeEmpty(text));
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly start: number; readonly body: string[] } | undefined;
  for (const line of readLines(text)) {
    const label = BEGIN.exec(line.text)?.[1];
    if (open === undefined) {
      if (label !== undefined) open = { label, start: line.start, body: [] };
    } else if (line.text.trimEnd() === `-----END ${open.label}-----`) {
      const { start, body } = open;
      const { end } = line;
      blocks.push({
        label: open.label,
        start,
        end,
        text: text.slice(start, end),
        ...readBody(body, open.label, subject),
      });
      open = undefined;
    } else if (label !== undefined || line.text.includes('-----BEGIN ')) {
      throw invalid(subject, unendedReason(open.label, line.text));
    } else {
      open.body.push(line.text);
    }
  }
  if (open !== undefined) throw invalid(subject, `the ${open.label} block has no end`);
  if (blocks.length === 0) throw invalid(subject, describeEmpty(text));
  return blocks;
}

/** Files concatenated with `cat` lose a block if the first file does not end with a line break. */
function unendedReason(label: string, line: string): string {
  const isGlued = line.includes(`-----END ${label}-----`);
  return isGlued ? `the ${label} block ends on the line where another begins` : `the ${label} block has no end`;
}

const BYTE_ORDER_MARK = /^(?:\u00ef\u00bb\u00bf|\ufeff)/;

function describeEmpty(text: string): string {
  if (text.trim() === '') return 'it is empty';
  if (/^[\s\0]*$/.test(text)) return 'it holds nothing but zero bytes';
  if (/^[ \t]+-----BEGIN [A-Z0-9 ]+-----/m.test(text)) {
    return 'each line begins with blanks; Go reads PEM at the beginning of a line only';
  }
  if (/\r(?!\n)/.test(text) && /(?:^|\r)-----BEGIN /.test(text)) {
    return 'its lines end with a carriage return alone; Go ends a line with a line feed only';
  }
  if (/-----BEGIN /.test(text.replace(BYTE_ORDER_MARK, '').slice(0, 11)) && BYTE_ORDER_MARK.test(text)) {
    return 'a byte order mark stands before its first line; Go reads PEM at the beginning of a line only';
  }
  if (/-\0-\0-\0-\0-\0B\0E\0G/.test(text)) return 'it is UTF-16 text; Go reads ASCII only';
  return /^0[\u0080-\u0084]/.test(text)
    ? 'it is DER, not PEM; convert it with `openssl x509 -inform DER`'
    : 'it holds no PEM block';
}

function straighten(text: string): string {
  return text
    .replace(BYTE_ORDER_MARK, '')
    .replace(/\r(?!\n)/g, '\n')
    .replace(/^[ \t]+/gm, '');
}

/**
 * The same PEM as Go can read it: lines without the blanks before them and with LF instead of a lone CR, without a byte order
 * mark. `undefined` when Go can read the text as it is, when these faults are not all that is wrong, or when the text holds more
 * than PEM and comments: the blanks may then belong to YAML.
 *
 * @param text as `latin1`
 */
export function straightenPem(text: string): string | undefined {
  if (readOrUndefined(text) !== undefined) return undefined;
  const straight = straighten(text);
  const blocks = readOrUndefined(straight);
  if (blocks === undefined) return undefined;
  const around = blocks.map(({ start }, at) => straight.slice(blocks[at - 1]?.end ?? 0, start));
  const isAlone = [...around, straight.slice(blocks.at(-1)?.end)].every((part) =>
    part.split('\n').every((line) => /^\s*(?:#|$)/.test(line)),
  );
  return isAlone ? straight : undefined;
}

/**
 * The blocks of a PEM text that may stand in another text, with blanks before its lines. For reports: the offsets fit no text,
 * and Go may not find the blocks.
 *
 * @throws X509Error `PKI_PEM_INVALID`
 */
export function readIndentedPem(text: string, subject: string): readonly PemBlock[] {
  return readOrUndefined(text) ?? readPem(straighten(text), subject);
}

function readOrUndefined(text: string): readonly PemBlock[] | undefined {
  try {
    return readPem(text, '');
  } catch {
    return undefined;
  }
}

/**
 * Replaces blocks of a PEM text; every other byte stays.
 *
 * @param replace the PEM of the new block without a final line break; `undefined` keeps the block
 * @throws X509Error `PKI_PEM_INVALID`
 */
export function replacePemBlocks(
  text: string,
  subject: string,
  replace: (block: PemBlock) => string | undefined,
): string {
  const parts: string[] = [];
  let copied = 0;
  for (const block of readPem(text, subject)) {
    const replacement = replace(block);
    if (replacement === undefined) continue;
    parts.push(text.slice(copied, block.start), replacement);
    copied = block.end;
  }
  return parts.join('') + text.slice(copied);
}

/** A PEM block of 64 columns with a final line break, as Go and OpenSSL write it. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** Whether a line of the text begins a certificate in PEM, where Go finds one (`encoding/pem`, Decode). */
export function beginsCertificate(text: string): boolean {
  return /^-----BEGIN CERTIFICATE-----/m.test(text);
}
