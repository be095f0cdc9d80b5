import { printable } from '@kube-rescue/errors';
import { ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { VALUE_CIPHERS } from './encryption-ciphers.ts';
import { type EncryptionConfiguration, type EncryptionProvider, providersFor } from './encryption-configuration.ts';
import { isPlausible } from './value-encoding.ts';

const ENCRYPTED = 'k8s:enc:';
/** Maximum length of the prefix of encrypted values: `k8s:enc:aescbc:v1:NAME:`. */
const LONGEST_PREFIX_BYTES = 512;

/** Encryption of the values of one kind. */
export interface ValueEncryption {
  /** @throws ObjectError `OBJECT_DECRYPTION_FAILED` `OBJECT_ENCRYPTED_KMS`; `OBJECT_ENCODING_UNSUPPORTED` for another provider */
  decrypt(value: Uint8Array, etcdKey: string, subject: string): Uint8Array;
  /**
   * @param before the stored value to be replaced; `undefined` for a new object
   * @throws ObjectError `OBJECT_ENCRYPTED_KMS`; `OBJECT_FIELD_UNSUPPORTED` when the encoding of a new object is unknown
   */
  encrypt(plain: Uint8Array, etcdKey: string, subject: string, before: Uint8Array | undefined): Uint8Array;
}

/**
 * Decrypts with any provider and encrypts with the first one, as an API server with this configuration does.
 *
 * Errors contain names of keys, never their bytes. An unencrypted value is returned unchanged.
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
      // Whether an API server encrypts custom resources depends on its version (since v1.26): follow the old value.
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
      // With AES-CBC, the only cipher that does not authenticate, a wrong key may give garbage without an error.
      if (plain !== undefined && (provider.kind !== 'aescbc' || isPlausible(plain))) return plain;
    }
  }
  const [, , kind = '', version = '', name] = prefix.split(':', 5);
  const isKnown = Object.hasOwn(VALUE_CIPHERS, kind) && version === 'v1';
  if (!isKnown && name !== undefined) throw providerUnknown(`${kind} ${version}`, subject);
  throw new ObjectError({
    code: 'OBJECT_DECRYPTION_FAILED',
    message: `cannot decrypt the value: ${printable(`${kind} ${version}, key ${name ?? ''}`)} is missing or wrong, or the value is damaged`,
    subject,
    hint: "pass the file of the API server's --encryption-provider-config with this key",
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
    // The library's message is only about bytes; the caller reports the key.
    return undefined;
  }
}

function undecided(subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_FIELD_UNSUPPORTED',
    message: 'whether a new object of this kind is encrypted depends on the version of the API server',
    subject,
    hint: 'create it through the API server (--via api)',
  });
}

/** Providers and versions: apiserver `pkg/server/options/encryptionconfig/config.go`. */
function providerUnknown(provider: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ENCODING_UNSUPPORTED',
    message: `the value is encrypted by ${printable(provider)}, which only the API server may be able to decrypt`,
    subject,
    hint: 'read and change it through the API server (--via api)',
  });
}

function encryptedByKms(subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ENCRYPTED_KMS',
    message: 'the value is encrypted with KMS, which only the API server can use',
    subject,
    hint: 'make the change through the API server (--via api)',
  });
}
