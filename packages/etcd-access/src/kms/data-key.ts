import { createHmac, randomBytes } from 'node:crypto';
import { VALUE_CIPHERS } from '../objects/encryption-ciphers.ts';
import { DEK_FROM_SEED, type DekSourceType } from './encrypted-object.ts';

const SEED_BYTES = 32;
const AES_KEY_BYTES: readonly number[] = [16, 24, 32];
const INFO_BYTES = 32;

/** The length of a new DEK source. */
export const DEK_SOURCE_BYTES = 32;

/** Whether a decrypted DEK source has a length that an API server accepts. */
export function isDekSource(type: DekSourceType, source: Uint8Array): boolean {
  return type === DEK_FROM_SEED ? source.length >= SEED_BYTES : AES_KEY_BYTES.includes(source.length);
}

/**
 * Encrypts with AES-GCM and a random nonce, with the etcd key authenticated; from a seed, with a new DEK for each value.
 *
 * Formats: apiserver `pkg/storage/value/encrypt/aes/aes.go` and `aes_extended_nonce.go`.
 */
export function sealWith(type: DekSourceType, source: Uint8Array, plain: Uint8Array, etcdKey: string): Uint8Array {
  if (type !== DEK_FROM_SEED) return VALUE_CIPHERS.aesgcm.encrypt(plain, source, etcdKey);
  const info = randomBytes(INFO_BYTES);
  const dek = expand(source, info);
  const sealed = VALUE_CIPHERS.aesgcm.encrypt(plain, dek, etcdKey);
  dek.fill(0);
  return new Uint8Array(Buffer.concat([info, sealed]));
}

/** Decrypts; throws when the DEK or the etcd key is another one, or the value is damaged. */
export function openWith(type: DekSourceType, source: Uint8Array, sealed: Uint8Array, etcdKey: string): Uint8Array {
  if (type !== DEK_FROM_SEED) return VALUE_CIPHERS.aesgcm.decrypt(sealed, source, etcdKey);
  const dek = expand(source, sealed.subarray(0, INFO_BYTES));
  try {
    return VALUE_CIPHERS.aesgcm.decrypt(sealed.subarray(INFO_BYTES), dek, etcdKey);
  } finally {
    dek.fill(0);
  }
}

/** The first block of HKDF-Expand with SHA-256: RFC 5869, section 2.3. The seed is used without HKDF-Extract. */
function expand(seed: Uint8Array, info: Uint8Array): Buffer {
  return createHmac('sha256', seed).update(info).update(Uint8Array.of(1)).digest();
}
