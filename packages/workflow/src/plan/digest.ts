import { createHash } from 'node:crypto';

/** SHA-256 of `data` in lower-case hexadecimal. */
export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
