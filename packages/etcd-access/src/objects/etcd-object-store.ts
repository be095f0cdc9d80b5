import { isRecoveryError } from '@kube-rescue/errors';
import {
  assertNoFinalizers,
  assertSameIdentity,
  assertValidNamespace,
  assertValidReference,
  assertWellFormed,
  describeReference,
  type KubernetesObject,
  objectConflict,
  ObjectError,
  objectExists,
  type ObjectListOptions,
  objectNotFound,
  type ObjectReadOptions,
  type ObjectReference,
  type ObjectStore,
  type ObjectWriteOptions,
  referenceOf,
  RESOURCE_KINDS,
  type ResourceKind,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { isDeepStrictEqual } from 'node:util';
import type { EtcdKv, KeyValue } from '../client/kv.ts';
import type { KmsPlugins } from '../kms/kms-plugins.ts';
import type { EncryptionConfiguration } from './encryption-configuration.ts';
import { objectFailureOf } from './etcd-failure.ts';
import { collectionKey, DEFAULT_ETCD_PREFIX, objectKey, referenceOfKey } from './key-layout.ts';
import { asNewObject } from './new-object.ts';
import { withGeneration } from './object-generation.ts';
import { assertCreatable, assertDataFits, assertEditAllowed } from './object-rules.ts';
import { createStoredValue, namingObject, readStoredValue, unreadable } from './stored-value.ts';
import { EtcdOrigin, originOf } from './etcd-origin.ts';
import { swapResolved } from './swap.ts';
import { type ValueEncryption, valueEncryption } from './value-encryption.ts';

export interface EtcdObjectStoreOptions {
  readonly kv: Pick<EtcdKv, 'get' | 'list' | 'compareAndSwap' | 'compareAndDelete'>;
  readonly clock: Pick<Clock, 'now'>;
  /** kube-apiserver's `--etcd-prefix`. Default: `/registry`. */
  readonly prefix?: string | undefined;
  /** Content of kube-apiserver's `--encryption-provider-config`. Default: no encryption. */
  readonly encryption?: EncryptionConfiguration | undefined;
  /** Plugins for values behind KMS v2; the caller closes them. Default: such values are refused. */
  readonly kms?: KmsPlugins | undefined;
  /** Serializable reads without quorum, possibly stale; writes are refused. Default: false. */
  readonly serializable?: boolean | undefined;
}

/**
 * The objects of a cluster in etcd, for a cluster without API server. Safe with a serving API server too: its watchers see
 * every change.
 *
 * Writes the bytes that the API server would write: unchanged but for the edit, including fields of newer versions, with the
 * generation incremented and the value encrypted. No admission webhooks, no quota, hardly any validation: edit with
 * care. Objects have their stored version, which for APIService and CustomResourceDefinition is often v1beta1.
 */
export function createEtcdObjectStore(options: EtcdObjectStoreOptions): ObjectStore {
  return new EtcdObjectStore(options);
}

class EtcdObjectStore implements ObjectStore {
  readonly name = 'etcd';
  readonly #options: EtcdObjectStoreOptions;
  readonly #prefix: string;

  constructor(options: EtcdObjectStoreOptions) {
    this.#options = options;
    this.#prefix = options.prefix ?? DEFAULT_ETCD_PREFIX;
  }

  async get(reference: ObjectReference, { signal }: ObjectReadOptions = {}): Promise<StoredObject | undefined> {
    const key = objectKey(this.#prefix, reference);
    const subject = describeReference(reference);
    const { kv, serializable } = this.#options;
    const found = await this.#asking(subject, () => kv.get(Buffer.from(key), { serializable, signal }));
    return found === undefined ? undefined : this.#read(reference, key, found);
  }

  async *list(kind: ResourceKind, options: ObjectListOptions = {}): AsyncIterable<StoredObject> {
    assertValidNamespace(kind, options.namespace);
    const { kv, serializable } = this.#options;
    const collection = Buffer.from(collectionKey(this.#prefix, kind, options.namespace));
    try {
      for await (const { entries } of kv.list(collection, { serializable, signal: options.signal })) {
        for (const entry of entries) {
          const stored = await this.#readListed(kind, entry, options);
          if (stored !== undefined) yield stored;
        }
      }
    } catch (error) {
      throw objectFailureOf(error, kind.resource);
    }
  }

  async create(
    kind: ResourceKind,
    object: KubernetesObject,
    { signal }: ObjectWriteOptions = {},
  ): Promise<StoredObject> {
    const { name, namespace } = object.metadata;
    const reference = { kind, name, namespace };
    const key = objectKey(this.#prefix, reference);
    const subject = describeReference(reference);
    assertCreatable(kind, object, subject);
    assertDataFits(object, subject);
    const created = asNewObject(kind, object, this.#options.clock.now());
    const plain = namingObject(subject, () => createStoredValue(created, kind));
    await this.#assertNamespace(reference);
    const written = await this.#swap({ reference, key, modRevision: 0n, plain, before: undefined, signal });
    if (written.stored !== undefined) return written.stored;
    throw objectExists(reference);
  }

  async replace(
    read: StoredObject,
    object: KubernetesObject,
    { signal }: ObjectWriteOptions = {},
  ): Promise<StoredObject> {
    const reference = referenceOf(read);
    const subject = describeReference(reference);
    const { key, modRevision, value, bytes } = originOf(read);
    assertSameIdentity(read, object);
    const before = value.object;
    const edited = withGeneration(read.kind, before, withoutRevision(object));
    assertEditAllowed(before, edited, subject);
    if (isDeepStrictEqual(edited, before)) return this.#unchanged(read, signal);
    const plain = namingObject(subject, () => value.edit(edited));
    const written = await this.#swap({ reference, key, modRevision, plain, before: bytes, signal });
    if (written.stored !== undefined) return written.stored;
    throw refused(written.current, reference);
  }

  async delete(read: StoredObject, { signal }: ObjectWriteOptions = {}): Promise<void> {
    const reference = referenceOf(read);
    const subject = describeReference(reference);
    const { key, modRevision } = originOf(read);
    assertNoFinalizers(read);
    this.#assertMayWrite(subject);
    const request = { key: Buffer.from(key), modRevision, signal };
    const result = await this.#asking(subject, () => this.#options.kv.compareAndDelete(request));
    if (!result.succeeded) throw refused(result.current, reference);
  }

  async #swap(write: {
    readonly reference: ObjectReference;
    readonly key: string;
    readonly modRevision: bigint;
    readonly plain: Uint8Array;
    readonly before: Uint8Array | undefined;
    readonly signal: AbortSignal | undefined;
  }): Promise<{ readonly stored?: StoredObject; readonly current?: KeyValue | undefined }> {
    const { reference, key, modRevision, plain, before, signal } = write;
    const subject = describeReference(reference);
    this.#assertMayWrite(subject);
    const value = await this.#encryption(reference.kind).encrypt(plain, key, subject, before);
    const request = { key: Buffer.from(key), modRevision, value, signal };
    const { succeeded, revision, current } = await this.#asking(subject, () => swapResolved(this.#options.kv, request));
    return succeeded ? { stored: this.#stored(reference, key, revision, plain, value) } : { current };
  }

  #encryption(kind: ResourceKind): ValueEncryption {
    return valueEncryption(this.#options.encryption, kind, this.#options.kms);
  }

  async #read(reference: ObjectReference, key: string, { value, modRevision }: KeyValue): Promise<StoredObject> {
    const subject = describeReference(reference);
    const plain = await this.#encryption(reference.kind).decrypt(value, key, subject);
    return this.#stored(reference, key, modRevision, plain, value);
  }

  async #readListed(
    kind: ResourceKind,
    entry: KeyValue,
    { onUnreadable }: ObjectListOptions,
  ): Promise<StoredObject | undefined> {
    const key = Buffer.from(entry.key).toString();
    const reference = referenceOfKey(this.#prefix, kind, key);
    try {
      if (reference === undefined) throw unreadable('the key belongs to no object', `${kind.resource}: ${key}`);
      assertValidReference(reference);
      return await this.#read(reference, key, entry);
    } catch (error) {
      if (onUnreadable === undefined || !isRecoveryError(error)) throw error;
      onUnreadable(error);
      return undefined;
    }
  }

  #stored(
    reference: ObjectReference,
    key: string,
    modRevision: bigint,
    plain: Uint8Array,
    bytes: Uint8Array,
  ): StoredObject {
    const subject = describeReference(reference);
    const value = readStoredValue(plain, reference.kind, subject);
    const { metadata } = value.object;
    if (metadata.name !== reference.name || (metadata.namespace ?? undefined) !== reference.namespace) {
      throw unreadable('the key holds the value of another object', subject);
    }
    assertWellFormed(value.object, reference.kind);
    const revision = String(modRevision);
    const object = { ...value.object, metadata: { ...metadata, resourceVersion: revision } };
    const origin = new EtcdOrigin(key, modRevision, value, bytes);
    return {
      kind: reference.kind,
      object,
      revision,
      get partial() {
        return value.partial;
      },
      origin,
    };
  }

  /** An empty edit writes nothing, as with an API server, but still needs the newest revision. */
  async #unchanged(read: StoredObject, signal: AbortSignal | undefined): Promise<StoredObject> {
    const reference = referenceOf(read);
    const { key, modRevision } = originOf(read);
    const current = await this.#asking(describeReference(reference), () =>
      this.#options.kv.get(Buffer.from(key), { signal }),
    );
    if (current?.modRevision !== modRevision) throw refused(current, reference);
    return read;
  }

  async #assertNamespace({ namespace }: ObjectReference): Promise<void> {
    if (namespace === undefined) return;
    const reference = { kind: RESOURCE_KINDS.Namespace, name: namespace };
    if ((await this.get(reference)) === undefined) throw objectNotFound(reference);
  }

  #assertMayWrite(subject: string): void {
    if (this.#options.serializable !== true) return;
    throw new ObjectError({
      code: 'OBJECT_STORE_UNREACHABLE',
      message: 'cannot write: etcd has no quorum',
      subject,
      hint: 'restore a majority of the members, then write',
    });
  }

  async #asking<T>(subject: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw objectFailureOf(error, subject);
    }
  }
}

function withoutRevision({ metadata, ...object }: KubernetesObject): KubernetesObject {
  const { resourceVersion: _ignored, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function refused(current: KeyValue | undefined, reference: ObjectReference): ObjectError {
  return current === undefined ? objectNotFound(reference) : objectConflict(reference);
}
