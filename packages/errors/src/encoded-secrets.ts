import { constants, gunzipSync } from 'node:zlib';
import { holdsPrivateKey, isPrivateKey } from './private-key-bytes.ts';

/** Redacts decoded text in turn. */
export type RedactText = (text: string, depth: number) => string;

const MASK = '[redacted]';
/** Encodings within encodings that are followed. */
const MOST_LAYERS = 4;
const MOST_UNPACKED = 8 * 1024 * 1024;
const SEPARATOR = String.raw`(?:\s|\\+[nr]){1,64}`;

/** Base64 and base64url, on one line or several; the last line may be short. */
const BASE64 = new RegExp(
  String.raw`(?<![\w+/=-])(?:[\w+/-]{40,}={0,2}(?:${SEPARATOR}[\w+/-]{40,}={0,2})*(?:${SEPARATOR}[\w+/-]{2,}={0,2}(?![\w:=-]))?|[\w+/-]{20,}={0,2})`,
  'g',
);
/** Hexadecimal without separators, or with colons or blanks between the bytes. */
const HEX =
  /(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}(?:(?::\s{0,32}|\s{1,32})[0-9A-Fa-f]{2}){31,}|[0-9A-Fa-f]{48,}(?:\s{1,32}[0-9A-Fa-f]{32,})*(?:\s{1,32}[0-9A-Fa-f]{2,}(?![\w:]))?)/g;
/** The bytes of an array: `[48, 130, 4]`. */
const ARRAY = /(?<!\d)\d{1,3}(?:\s{0,8},\s{0,8}\d{1,3}){31,}/g;
/** Text with percent encoding, up to what ends a field of a query. */
const PERCENT = /(?<![\w.~+/=:%-])[\w.~+/=:-]*(?:%[0-9A-Fa-f]{2}[\w.~+/=:-]*)+/g;

/** Masks what is a secret once decoded. Everything else, certificates and digests too, stays as it is. */
export function redactEncoded(text: string, depth: number, redactText: RedactText): string {
  if (depth >= MOST_LAYERS) return text;
  const isSecretText = (decoded: string): boolean => redactText(decoded, depth + 1) !== decoded;
  return text
    .replace(PERCENT, (encoded) => {
      const decoded = unescaped(encoded);
      return decoded !== undefined && isSecretText(decoded) ? redactText(decoded, depth + 1) : encoded;
    })
    .replace(HEX, (encoded) => (isPrivateKey(Buffer.from(encoded.replace(/[:\s]/g, ''), 'hex')) ? MASK : encoded))
    .replace(ARRAY, (encoded) => (isPrivateKey(Uint8Array.from(encoded.split(','), Number)) ? MASK : encoded))
    .replace(BASE64, (encoded) => {
      const bytes = Buffer.from(encoded.replace(/\s|\\+[nr]/g, ''), 'base64');
      return isSecretBytes(bytes, isSecretText) ? MASK : encoded;
    });
}

function isSecretBytes(bytes: Buffer, isSecretText: (decoded: string) => boolean): boolean {
  if (holdsPrivateKey(bytes)) return true;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const unpacked = unpack(bytes);
    return unpacked === undefined || isSecretBytes(unpacked, isSecretText);
  }
  return isText(bytes) && isSecretText(bytes.toString('utf8'));
}

/** `undefined` when there is more than can be read. A truncated stream is read as far as it goes. */
function unpack(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    return error instanceof RangeError ? undefined : Buffer.alloc(0);
  }
}

function isText(bytes: Buffer): boolean {
  return bytes.length > 0 && bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

function unescaped(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', '%2B'));
  } catch {
    return undefined;
  }
}
