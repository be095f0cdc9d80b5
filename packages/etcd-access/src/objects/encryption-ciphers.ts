import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';

/** A cipher for values. Decryption throws when the key or the value is wrong. */
export interface ValueCipher {
  encrypt(plain: Uint8Array, secret: Uint8Array, etcdKey: string): Uint8Array;
  decrypt(sealed: Uint8Array, secret: Uint8Array, etcdKey: string): Uint8Array;
}

const CBC_IV_BYTES = 16;
const GCM_NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;
const SECRETBOX_NONCE_BYTES = 24;

/** Random IV, then AES-CBC with PKCS #7 padding. Not authenticated: tampering is not detected. */
const aescbc: ValueCipher = {
  encrypt(plain, secret) {
    const iv = randomBytes(CBC_IV_BYTES);
    const cipher = createCipheriv(`aes-${secret.length * 8}-cbc`, secret, iv);
    return joined(iv, cipher.update(plain), cipher.final());
  },
  decrypt(sealed, secret) {
    const cipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, sealed.subarray(0, CBC_IV_BYTES));
    return joined(cipher.update(sealed.subarray(CBC_IV_BYTES)), cipher.final());
  },
};

/** Random nonce, then AES-GCM with its tag; the etcd key is authenticated too, so a value cannot be moved. */
const aesgcm: ValueCipher = {
  encrypt(plain, secret, etcdKey) {
    const nonce = randomBytes(GCM_NONCE_BYTES);
    const cipher = createCipheriv(gcmName(secret), secret, nonce, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(Buffer.from(etcdKey));
    return joined(nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
  },
  decrypt(sealed, secret, etcdKey) {
    const nonce = sealed.subarray(0, GCM_NONCE_BYTES);
    const cipher = createDecipheriv(gcmName(secret), secret, nonce, { authTagLength: GCM_TAG_BYTES });
    cipher.setAAD(Buffer.from(etcdKey));
    cipher.setAuthTag(sealed.subarray(Math.max(GCM_NONCE_BYTES, sealed.length - GCM_TAG_BYTES)));
    return joined(cipher.update(sealed.subarray(GCM_NONCE_BYTES, -GCM_TAG_BYTES)), cipher.final());
  },
};

/** Random nonce, then NaCl's secretbox: XSalsa20 and Poly1305. */
const secretbox: ValueCipher = {
  encrypt(plain, secret) {
    const nonce = randomBytes(SECRETBOX_NONCE_BYTES);
    return joined(nonce, xsalsa20poly1305(secret, nonce).encrypt(plain));
  },
  decrypt(sealed, secret) {
    const nonce = sealed.subarray(0, SECRETBOX_NONCE_BYTES);
    return xsalsa20poly1305(secret, nonce).decrypt(sealed.subarray(SECRETBOX_NONCE_BYTES));
  },
};

/** The ciphers of kube-apiserver's encryption at rest, by provider name. */
export const VALUE_CIPHERS = { aescbc, aesgcm, secretbox } as const satisfies Readonly<Record<string, ValueCipher>>;

function gcmName(secret: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  return `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm`;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
