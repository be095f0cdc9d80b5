import { X509Error } from '../errors.ts';
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Certificate } from '../certificate/certificate.ts';
import { isSameDer } from '../encoding/der.ts';
import { encodePem, readPem } from '../encoding/pem.ts';

const KEY_ENCODINGS = {
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
  'PRIVATE KEY': 'pkcs8',
} as const;

type KeyLabel = keyof typeof KEY_ENCODINGS;

/** A private key with the PEM label of its file, for a new key of the same form. */
export interface PrivateKey {
  readonly key: KeyObject;
  readonly label: KeyLabel;
}

function isKeyLabel(label: string): label is KeyLabel {
  return Object.hasOwn(KEY_ENCODINGS, label);
}

/**
 * The first private key of a PEM text: PKCS#1, SEC 1 or PKCS#8.
 *
 * @param source the file, for errors
 * @throws X509Error `PKI_PEM_INVALID` `PKI_KEY_ENCRYPTED` `PKI_KEY_INVALID` `PKI_KEY_MISSING` when it holds none
 */
export function parsePrivateKey(text: string, source: string): PrivateKey {
  const block = readPem(text, source).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) {
    throw new X509Error({
      code: 'PKI_KEY_MISSING',
      message: 'it holds PEM, but no private key',
      subject: source,
      hint: 'restore the key from a backup',
    });
  }
  if (block.encrypted) {
    throw new X509Error({
      code: 'PKI_KEY_ENCRYPTED',
      message: 'the private key is encrypted, and Kubernetes components cannot ask for a password',
      subject: source,
      hint: 'decrypt it with `openssl pkey -in FILE -out FILE`',
    });
  }
  if (!isKeyLabel(block.label)) {
    throw new X509Error({
      code: 'PKI_KEY_UNSUPPORTED',
      message: `a ${block.label} is of a kind that is not supported`,
      subject: source,
      hint: 'convert it with `openssl pkey -in FILE -out FILE`',
    });
  }
  try {
    // As PEM: OpenSSL 3 takes three times as long to detect the type of DER, although the kind is given.
    const key = createPrivateKey(encodePem(block.label, block.der));
    return { key, label: block.label };
  } catch (cause) {
    throw new X509Error({
      code: 'PKI_KEY_INVALID',
      message: 'cannot read the private key: its DER is malformed',
      subject: source,
      hint: 'restore the key from a backup',
      cause,
    });
  }
}

/** Whether `key` is the private half of the certificate's public key. Compares; signs nothing. */
export function isKeyOf(key: KeyObject, certificate: Certificate): boolean {
  return isSameDer(
    publicKeyDerOf(key),
    encodedOnce(certificate, () => certificate.x509.publicKey),
  );
}

/**
 * Whether two private keys are the same.
 *
 * Not `KeyObject.equals`: for keys of different kinds it leaves an error in OpenSSL's queue, and the next read of a key
 * in this process fails with that error.
 */
export function isSameKey(a: KeyObject, b: KeyObject): boolean {
  return isSameDer(publicKeyDerOf(a), publicKeyDerOf(b));
}

/** For text: `RSA 2048`, `ECDSA P-256`, `Ed25519`. */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return `RSA ${details?.modulusLength}`;
    case 'ec':
      return `ECDSA ${EC_CURVE_NAMES[details?.namedCurve ?? ''] ?? details?.namedCurve}`;
    case 'ed25519':
      return 'Ed25519';
    default:
      return key.asymmetricKeyType ?? 'unknown';
  }
}

const EC_CURVE_NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/**
 * A new private key of the same algorithm and size or curve as `model`.
 * @throws X509Error `PKI_KEY_UNSUPPORTED`
 */
export async function generateKeyLike(model: KeyObject, source: string): Promise<KeyObject> {
  const details = model.asymmetricKeyDetails;
  switch (model.asymmetricKeyType) {
    case 'rsa':
      return (await promisify(generateKeyPair)('rsa', { modulusLength: details?.modulusLength ?? 2048 })).privateKey;
    case 'ec':
      return (await promisify(generateKeyPair)('ec', { namedCurve: details?.namedCurve ?? 'prime256v1' })).privateKey;
    case 'ed25519':
      return (await promisify(generateKeyPair)('ed25519')).privateKey;
    default:
      throw new X509Error({
        code: 'PKI_KEY_UNSUPPORTED',
        message: `cannot make a new ${model.asymmetricKeyType} key`,
        subject: source,
        hint: 'renew it without new keys',
      });
  }
}

/** The PEM of a private key under `label`; under its usual label when `label` does not fit the key. */
export function encodePrivateKey(key: KeyObject, label: KeyLabel): string {
  const fitting =
    (label === 'RSA PRIVATE KEY' && key.asymmetricKeyType === 'rsa') ||
    (label === 'EC PRIVATE KEY' && key.asymmetricKeyType === 'ec') ||
    label === 'PRIVATE KEY';
  const form = fitting ? label : usualKeyLabel(key);
  return encodePem(form, key.export({ format: 'der', type: KEY_ENCODINGS[form] } as { format: 'der'; type: 'pkcs8' }));
}

/** The label under which kubeadm and the kubelet write a key of this algorithm (client-go `util/keyutil`). */
export function usualKeyLabel(key: KeyObject): KeyLabel {
  if (key.asymmetricKeyType === 'rsa') return 'RSA PRIVATE KEY';
  return key.asymmetricKeyType === 'ec' ? 'EC PRIVATE KEY' : 'PRIVATE KEY';
}

/** SubjectPublicKeyInfo of a private key, in DER. */
export function publicKeyDerOf(key: KeyObject): Uint8Array {
  return encodedOnce(key, () => createPublicKey(key));
}

/** Cached: keys and certificates never change, and encoding one takes longer than comparing it with a whole set of others. */
const encoded = new WeakMap<object, Uint8Array>();

function encodedOnce(owner: object, findKey: () => KeyObject): Uint8Array {
  const known = encoded.get(owner);
  if (known !== undefined) return known;
  const der = findKey().export({ format: 'der', type: 'spki' });
  encoded.set(owner, der);
  return der;
}
