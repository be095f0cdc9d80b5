import { randomBytes } from 'node:crypto';

const SERIAL_BYTES = 16;

/** The content bytes of a new serial number: positive, never zero, 120 random bits (RFC 5280 section 4.1.2.2; CA/Browser Forum demands 64). */
export function randomSerialNumber(): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
