import { printable } from '@kube-rescue/errors';
import { ObjectError, type ResourceKind } from '@kube-rescue/cluster-objects';
import { VALUE_CIPHERS } from './encryption-ciphers.ts';
import {
  type EncryptionConfiguration,
  type EncryptionProvider,
  type KmsProvider,
  providersFor,
} from './encryption-configuration.ts';
import type { KmsPlugins } from '../kms/kms-plugins.ts';
import { isPlausible } from './value-encoding.ts';

const ENCRYPTED = 'k8s:enc:';
const KMS = `${ENCRYPTED}kms:`;
const KMS_V2 = `${KMS}v2:`;
/** Maximum length of the prefix of encrypted values: `k8s:enc:aescbc:v1:NAME:`. */
const LONGEST_PREFIX_BYTES = 512;

/** Encryption of the values of one kind. */
export interface ValueEncryption {
  /**
   * @throws ObjectError `OBJECT_DECRYPTION_FAILED`; `OBJECT_ENCRYPTED_KMS` `OBJECT_KMS_UNREACHABLE` `OBJECT_KMS_FAILED` for a KMS;
   * `OBJECT_ENCODING_UNSUPPORTED` for another provider
   */
  decrypt(value: Uint8Array, etcdKey: string, subject: string): Promise<Uint8Array>;
  /**
   * @param before the stored value to be replaced; `undefined` for a new object
   * @throws ObjectError `OBJECT_ENCRYPTED_KMS` `OBJECT_KMS_UNREACHABLE` `OBJECT_KMS_FAILED`; `OBJECT_FIELD_UNSUPPORTED` when the
   * encoding of a new object is unknown
   */
  encrypt(plain: Uint8Array, etcdKey: string, subject: string, before: Uint8Array | undefined): Promise<Uint8Array>;
}

/**
 * Decrypts with any provider and encrypts with the first one, as an API server with this configuration does.
 *
 * Errors contain names of keys, never their bytes. An unencrypted value is returned unchanged.
 * @param configuration `undefined` when the API server encrypts nothing
 * @param kms the plugins of the node; `undefined` refuses values of a KMS
 */
export function valueEncryption(
  configuration: EncryptionConfiguration | undefined,
  kind: ResourceKind,
  kms?: KmsPlugins,
): ValueEncryption {
  const providers = (configuration && providersFor(configuration, kind)) ?? [{ kind: 'identity' }];
  return {
    async decrypt(value, etcdKey, subject) {
      if (!isEncrypted(value)) return value;
      const own = kmsPartOf(value, providers, subject);
      if (own === undefined) return decryptBy(providers, value, etcdKey, subject);
      return pluginsOf(kms, subject).decrypt(own.stored, { provider: own.provider, etcdKey, subject });
    },
    async encrypt(plain, etcdKey, subject, before) {
      const [provider = { kind: 'identity' }] = providers;
      // Whether an API server encrypts custom resources depends on its version (since v1.26): follow the old value.
      if (kind.storage === 'json' && provider.kind !== 'identity') {
        if (before === undefined) throw undecided(subject);
        if (!isEncrypted(before)) return plain;
      }
      if (provider.kind !== 'kms') return encryptBy(provider, plain, etcdKey);
      if (provider.apiVersion !== 'v2') throw encryptedByKmsV1(subject);
      const prefix = Buffer.from(`${KMS_V2}${provider.name}:`);
      const isOwn = before !== undefined && prefix.equals(before.subarray(0, prefix.length));
      const replaced = isOwn ? before.subarray(prefix.length) : undefined;
      const stored = await pluginsOf(kms, subject).encrypt(plain, replaced, { provider, etcdKey, subject });
      return new Uint8Array(Buffer.concat([prefix, stored]));
    },
  };
}

function decryptBy(
  providers: readonly EncryptionProvider[],
  value: Uint8Array,
  etcdKey: string,
  subject: string,
): Uint8Array {
  const prefix = beginningOf(value, LONGEST_PREFIX_BYTES);
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

/** The provider of a value of KMS v2, and the value behind its prefix; `undefined` for another value. */
function kmsPartOf(
  value: Uint8Array,
  providers: readonly EncryptionProvider[],
  subject: string,
): { readonly provider: KmsProvider; readonly stored: Uint8Array } | undefined {
  if (beginningOf(value, KMS.length) !== KMS) return undefined;
  for (const provider of providers) {
    if (provider.kind !== 'kms' || provider.apiVersion !== 'v2') continue;
    const prefix = Buffer.from(`${KMS_V2}${provider.name}:`);
    if (prefix.equals(value.subarray(0, prefix.length))) return { provider, stored: value.subarray(prefix.length) };
  }
  const [, , , version, name = ''] = beginningOf(value, LONGEST_PREFIX_BYTES).split(':', 5);
  throw version === 'v2' ? providerMissing(name, subject) : encryptedByKmsV1(subject);
}

function encryptBy(provider: Exclude<EncryptionProvider, KmsProvider>, plain: Uint8Array, etcdKey: string): Uint8Array {
  if (provider.kind === 'identity') return plain;
  const [key] = provider.keys;
  if (key === undefined) throw new Error('a provider without keys');
  const sealed = VALUE_CIPHERS[provider.kind].encrypt(plain, key.secret, etcdKey);
  const prefix = Buffer.from(prefixOf(provider.kind, key.name));
  return new Uint8Array(Buffer.concat([prefix, sealed]));
}

function isEncrypted(value: Uint8Array): boolean {
  return beginningOf(value, ENCRYPTED.length) === ENCRYPTED;
}

function beginningOf(value: Uint8Array, length: number): string {
  return Buffer.from(value.subarray(0, length)).toString('latin1');
}

function pluginsOf(kms: KmsPlugins | undefined, subject: string): KmsPlugins {
  if (kms !== undefined) return kms;
  throw encryptedByKms('the value is encrypted with KMS, whose plugin cannot be called from here', subject);
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

function encryptedByKmsV1(subject: string): ObjectError {
  return encryptedByKms('the value is encrypted with KMS v1, which only the API server can use', subject);
}

function providerMissing(name: string, subject: string): ObjectError {
  const message = `the value is encrypted by the KMS provider ${printable(name)}, which the encryption configuration does not have`;
  return encryptedByKms(message, subject);
}

function encryptedByKms(message: string, subject: string): ObjectError {
  return new ObjectError({
    code: 'OBJECT_ENCRYPTED_KMS',
    message,
    subject,
    hint: 'make the change through the API server (--via api)',
  });
}
