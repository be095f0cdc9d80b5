import { isUtf8 } from 'node:buffer';
import { printable } from '@kube-rescue/errors';
import { ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { VALUE_CIPHERS } from './encryption-ciphers.ts';
import { type EncryptionConfiguration, type EncryptionProvider, providersFor } from './encryption-configuration.ts';
import { isEnvelope } from './envelope.ts';

const ENCRYPTED = 'k8s:enc:';
/** What precedes the bytes of a cipher: `k8s:enc:aescbc:v1:NAME:`. */
const LONGEST_PREFIX_BYTES = 512;

/** How the values of one kind are kept. */
export interface ValueEncryption {
  /** @throws ObjectError `OBJECT_DECRYPTION_FAILED` `OBJECT_ENCRYPTED_KMS` */
  decrypt(value: Uint8Array, etcdKey: string, subject: string): Uint8Array;
  /**
   * @param before the stored value that this one takes the place of; `undefined` for a new object
   * @throws ObjectError `OBJECT_ENCRYPTED_KMS`; `OBJECT_FIELD_UNSUPPORTED` when it cannot be told how a new object is kept
   */
  encrypt(plain: Uint8Array, etcdKey: string, subject: string, before: Uint8Array | undefined): Uint8Array;
}

/**
 * Decrypts as an API server with this configuration would, and encrypts by the first provider, as it would.
 *
 * Names keys in its errors, never their bytes. A value that is not encrypted is read as it is.
 * @param configuration `undefined` when the API server encrypts nothing
 */
export function valueEncryption(
  configuration: EncryptionConfiguration | undefined,
  kind: ResourceKind,
): ValueEncryption {
  const providers = (configuration && providersFor(configuration, kind)) ?? [{ kind: 'identity' }];
  return {
    decrypt(value, etcdKey, subject) {
      return isEncrypted(value) ? decryptBy(providers, value, etcdKey, subject) : value;
    },
    encrypt(plain, etcdKey, subject, before) {
      const [provider = { kind: 'identity' }] = providers;
      // Whether an API server encrypts custom resources depends on its version (since v1.26): the old value tells.
      if (kind.storage === 'json' && provider.kind !== 'identity') {
        if (before === undefined) throw undecided(subject);
        if (!isEncrypted(before)) return plain;
      }
      return encryptBy(provider, plain, etcdKey, subject);
    },
  };
}

function decryptBy(
  providers: readonly EncryptionProvider[],
  value: Uint8Array,
  etcdKey: string,
  subject: string,
): Uint8Array {
  const prefix = Buffer.from(value.subarray(0, LONGEST_PREFIX_BYTES)).toString('latin1');
  if (prefix.startsWith(`${ENCRYPTED}kms:`)) throw encryptedByKms(subject);
  for (const provider of providers) {
    if (provider.kind === 'identity' || provider.kind === 'kms') continue;
    for (const { name, secret } of provider.keys) {
      const own = Buffer.from(prefixOf(provider.kind, name));
      if (!own.equals(value.subarray(0, own.length))) continue;
      const plain = attempt(() => VALUE_CIPHERS[provider.kind].decrypt(value.subarray(own.length), secret, etcdKey));
      // With AES-CBC a wrong key can go unnoticed and leave noise.
      if (plain !== undefined && (isEnvelope(plain) || isJson(plain))) return plain;
    }
  }
  const [, , kind = '', version = '', name = ''] = prefix.split(':', 5);
  throw new ObjectError({
    code: 'OBJECT_DECRYPTION_FAILED',
    message: `the value cannot be decrypted: ${printable(`${kind} ${version}, key ${name}`)} is missing, another, or the value is damaged`,
    subject,
    hint: "give the file that the API server's --encryption-provider-config names, with this key in it",
  });
}

function encryptBy(provider: EncryptionProvider, plain: Uint8Array, etcdKey: string, subject: string): Uint8Array {
  if (provider.kind === 'kms') throw encryptedByKms(subject);
  if (provider.kind === 'identity') return plain;
  const [key] = provider.keys;
  if (key === undefined) throw new Error('a provider without keys');
  const sealed = VALUE_CIPHERS[provider.kind].encrypt(plain, key.secret, etcdKey);
  const prefix = Buffer.from(prefixOf(provider.kind, key.name));
  return new Uint8Array(Buffer.concat([prefix, sealed]));
}

function isJson(value: Uint8Array): boolean {
  return value[0] === 0x7b && isUtf8(value);
}

function isEncrypted(value: Uint8Array): boolean {
  return Buffer.from(value.subarray(0, ENCRYPTED.length)).toString('latin1') === ENCRYPTED;
}

function prefixOf(kind: keyof typeof VALUE_CIPHERS, keyName: string): string {
  return `${ENCRYPTED}${kind}:v1:${keyName}:`;
}

function attempt(decrypt: () => Uint8Array): Uint8Array | undefined {
  try {
    return decrypt();
  } catch {
    // The library's words could only tell about bytes; the caller tells which key it was.
    return undefined;
  }
}

function undecided(subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_FIELD_UNSUPPORTED',
    message: 'it depends on the version of the API server whether a new object of this kind is encrypted',
    subject,
    hint: 'create it through the API server (--via api)',
  });
}

function encryptedByKms(subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ENCRYPTED_KMS',
    message: 'the value is encrypted by a key management service, which only the API server can ask',
    subject,
    hint: 'make the change through the API server (--via api)',
  });
}
