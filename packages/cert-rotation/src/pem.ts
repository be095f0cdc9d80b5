import { PkiError } from './errors.ts';

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** For example `CERTIFICATE` or `EC PRIVATE KEY`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** From `-----BEGIN` to the end of the `-----END` line, as it was written, without the line break. */
  readonly text: string;
  /** Encrypted by the headers of RFC 1421 or by PKCS#8. */
  readonly encrypted: boolean;
}

const BEGIN = /^[ \t]*-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$/;
const HEADER = /^([A-Za-z0-9-]+):\s*(.*)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function invalid(subject: string, reason: string): PkiError {
  return new PkiError({
    code: 'PKI_PEM_INVALID',
    message: `cannot read PEM: ${reason}`,
    subject,
    hint: 'restore the file from a backup, or remove it if nothing uses it',
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

/**
 * The blocks of a PEM text in order. Text before, between and behind the blocks is passed over, as Go's `encoding/pem`
 * does, whatever its line breaks.
 *
 * @param subject the file, for errors
 * @throws PkiError `PKI_PEM_INVALID` when a block is cut off or is not base64, or when there is none
 */
export function readPem(text: string, subject: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let i = 0; i < lines.length; i += 1) {
    const label = BEGIN.exec(lines[i] ?? '')?.[1];
    if (label === undefined) continue;
    const end = lines.findIndex((line, at) => at > i && line.trim() === `-----END ${label}-----`);
    const next = lines.findIndex((line, at) => at > i && BEGIN.test(line));
    if (end === -1 || (next !== -1 && next < end)) throw invalid(subject, `the ${label} block has no end`);
    blocks.push({
      label,
      text: lines.slice(i, end + 1).join('\n'),
      ...readBody(lines.slice(i + 1, end), label, subject),
    });
    i = end;
  }
  if (blocks.length === 0) throw invalid(subject, text.trim() === '' ? 'it is empty' : 'it holds no PEM block');
  return blocks;
}

/** A PEM block of 64 columns with a final line break, as Go and OpenSSL write it. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
