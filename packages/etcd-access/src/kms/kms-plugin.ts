import { randomBytes, timingSafeEqual } from 'node:crypto';
import { isRecoveryError, printable } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { KmsProvider } from '../objects/encryption-configuration.ts';
import { DEK_SOURCE_BYTES, isDekSource } from './data-key.ts';
import { type DekSourceType, type EncryptedDekSource, identityOf, problemOf } from './encrypted-object.ts';
import type { KmsCalls } from './kms-calls.ts';
import { pluginFailed } from './kms-failure.ts';

/** A decrypted DEK source; `plain` is overwritten when the session ends. */
interface DekSource {
  readonly encrypted: EncryptedDekSource;
  readonly plain: Uint8Array;
}

/** The DEK sources of one plugin, each decrypted once in a session. */
export interface KmsPlugin {
  /** @throws as `KmsCalls` */
  decrypted(source: EncryptedDekSource): Promise<DekSource>;
  /** A new DEK source for this session's writes. @throws as `KmsCalls` */
  forWriting(type: DekSourceType): Promise<DekSource>;
  close(): void;
}

const VERSIONS = ['v2', 'v2beta1'];

/** So long a plugin that did not answer is not asked again, or each of thousands of values would wait for its timeout. */
const SILENCE_MS = 10_000;

export function createKmsPlugin(
  provider: KmsProvider,
  calls: KmsCalls,
  { clock }: { readonly clock: Pick<Clock, 'now'> },
): KmsPlugin {
  const read = new Map<string, Promise<DekSource>>();
  const written = new Map<DekSourceType, Promise<DekSource>>();
  let silence: { readonly error: unknown; readonly untilMs: number } | undefined;
  const unlessSilent = async <T>(ask: () => Promise<T>): Promise<T> => {
    if (silence !== undefined && clock.now().getTime() < silence.untilMs) throw silence.error;
    silence = undefined;
    try {
      return await ask();
    } catch (error) {
      if (isRecoveryError(error) && error.code === 'OBJECT_KMS_UNREACHABLE') {
        silence = { error, untilMs: clock.now().getTime() + SILENCE_MS };
      }
      throw error;
    }
  };
  return {
    decrypted: (encrypted) =>
      once(read, identityOf(encrypted), () => unlessSilent(() => decryptedBy(calls, provider, encrypted))),
    forWriting: async (type) => {
      const source = await once(written, type, () => unlessSilent(() => newSource(calls, provider, type)));
      read.set(identityOf(source.encrypted), Promise.resolve(source));
      return source;
    },
    close: () => {
      for (const source of [...read.values(), ...written.values()]) {
        source.then(({ plain }) => plain.fill(0)).catch(() => undefined);
      }
      read.clear();
      written.clear();
      calls.close();
    },
  };
}

async function decryptedBy(calls: KmsCalls, provider: KmsProvider, encrypted: EncryptedDekSource): Promise<DekSource> {
  const plain = await calls.decrypt(encrypted);
  if (isDekSource(encrypted.type, plain)) return { encrypted, plain };
  plain.fill(0);
  throw pluginFailed(provider, `it decrypts the DEK source to ${plain.length} bytes, which is no key`);
}

/**
 * Makes a DEK source and has the plugin encrypt it, as an API server does when it starts: only a healthy plugin is used, and only
 * with the key that it names as current (apiserver `pkg/server/options/encryptionconfig/config.go`). Then the plugin decrypts it again: a value
 * that the plugin cannot decrypt is never written.
 */
async function newSource(calls: KmsCalls, provider: KmsProvider, type: DekSourceType): Promise<DekSource> {
  const { healthz, version, keyId } = await calls.status();
  if (healthz !== 'ok') throw pluginFailed(provider, `it reports ${printable(healthz.slice(0, 200))} as its health`);
  if (!VERSIONS.includes(version))
    throw pluginFailed(provider, `it has the version ${printable(version.slice(0, 20))}`);
  const plain = new Uint8Array(randomBytes(DEK_SOURCE_BYTES));
  try {
    const { ciphertext, keyId: usedKeyId, annotations } = await calls.encrypt(plain);
    if (usedKeyId !== keyId) throw pluginFailed(provider, 'it encrypts with another key than its status names');
    const encrypted = { type, ciphertext, keyId, annotations };
    const problem = problemOf(encrypted);
    if (problem !== undefined) throw pluginFailed(provider, `an API server would refuse what it encrypted: ${problem}`);
    const readBack = await calls.decrypt(encrypted);
    const isSame = readBack.length === plain.length && timingSafeEqual(readBack, plain);
    readBack.fill(0);
    if (!isSame) throw pluginFailed(provider, 'it does not decrypt what it encrypted');
    return { encrypted, plain };
  } catch (error) {
    plain.fill(0);
    throw error;
  }
}

/** Concurrent callers share one attempt; a failed one is not kept. */
function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
