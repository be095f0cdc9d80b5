import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  apiVersionOf,
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
  type ObjectMetadata,
  objectNotFound,
  type ObjectReference,
  type ObjectStore,
  referenceOf,
  RESOURCE_KINDS,
  type ResourceKind,
  type StoredObject,
} from '@kube-rescue/cluster-objects';

const LARGEST_DATA_BYTES = 1024 * 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** An object without apiVersion and kind. */
interface PlantedObject {
  readonly metadata: ObjectMetadata;
  readonly [field: string]: unknown;
}

/** An ObjectStore in memory. */
export interface FakeObjectStore extends ObjectStore {
  /** Creates or replaces an object unchecked, with its namespace. */
  plant(kind: ResourceKind, object: PlantedObject): StoredObject;
  /** The number of writes. */
  readonly writes: number;
}

/** Objects in memory, under the same contract as the real stores. */
export function createFakeObjectStore(): FakeObjectStore {
  const entries = new Map<string, StoredObject>();
  let revision = 0;
  let writes = 0;
  const keyOf = (reference: ObjectReference): string => {
    assertValidReference(reference);
    return describeReference(reference);
  };
  const put = (kind: ResourceKind, object: KubernetesObject): StoredObject => {
    revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    const stored = structuredClone({ ...object, metadata });
    const read: StoredObject = { kind, object: stored, revision: String(revision), partial: false, origin: undefined };
    entries.set(keyOf(referenceOf(read)), read);
    return structuredClone(read);
  };
  const demand = (read: StoredObject): StoredObject => {
    const reference = referenceOf(read);
    const present = entries.get(keyOf(reference));
    if (present === undefined) throw objectNotFound(reference);
    if (present.revision !== read.revision) throw objectConflict(reference);
    return present;
  };
  const hasNamespace = (name: string): boolean => entries.has(keyOf({ kind: RESOURCE_KINDS.Namespace, name }));
  return {
    name: 'memory',
    get writes() {
      return writes;
    },
    plant: (kind, given) => {
      const { namespace } = given.metadata;
      if (namespace !== undefined && !hasNamespace(namespace)) {
        put(RESOURCE_KINDS.Namespace, newObject(RESOURCE_KINDS.Namespace, { metadata: { name: namespace } }));
      }
      return put(kind, newObject(kind, given));
    },
    get: async (reference) => {
      const read = structuredClone(entries.get(keyOf(reference)));
      if (read !== undefined) assertWellFormed(read.object, read.kind);
      return read;
    },
    async *list(kind, { namespace, onUnreadable } = {}) {
      assertValidNamespace(kind, namespace);
      for (const read of [...entries.values()].filter((each) => each.kind.kind === kind.kind)) {
        if (namespace !== undefined && read.object.metadata.namespace !== namespace) continue;
        try {
          assertWellFormed(read.object, kind);
        } catch (error) {
          if (onUnreadable === undefined || !(error instanceof ObjectError)) throw error;
          onUnreadable(error);
          continue;
        }
        yield structuredClone(read);
      }
    },
    create: async (kind, object) => {
      const { name, namespace } = object.metadata;
      const reference = { kind, name, namespace };
      if (entries.has(keyOf(reference))) throw objectExists(reference);
      if (namespace !== undefined && !hasNamespace(namespace)) {
        throw objectNotFound({ kind: RESOURCE_KINDS.Namespace, name: namespace });
      }
      assertValid(object, describeReference(reference));
      writes += 1;
      return put(kind, newObject(kind, object));
    },
    replace: async (read, edited) => {
      assertSameIdentity(read, edited);
      const before = demand(read).object;
      const subject = describeReference(referenceOf(read));
      const after = withGeneration(read.kind, before, edited);
      if (isDeepStrictEqual(withoutRevision(before), withoutRevision(after))) return structuredClone(demand(read));
      assertEditable(before, after, subject);
      assertValid(after, subject);
      writes += 1;
      return put(read.kind, after);
    },
    delete: async (read) => {
      assertNoFinalizers(demand(read));
      writes += 1;
      entries.delete(keyOf(referenceOf(read)));
    },
  };
}

function newObject(kind: ResourceKind, given: PlantedObject): KubernetesObject {
  const creationTimestamp = `${new Date().toISOString().slice(0, 19)}Z`;
  const generation = kind.hasGeneration ? { generation: 1 } : {};
  const metadata = { ...given.metadata, uid: randomUUID(), creationTimestamp, ...generation };
  const defaults = kind.kind === 'Secret' ? { type: 'Opaque' } : {};
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...defaults, ...given, metadata };
}

function assertEditable(before: KubernetesObject, after: KubernetesObject, subject: string): void {
  if (before.immutable === true && !isDeepStrictEqual(before.data, after.data))
    throw invalid('the object is immutable', subject);
  if (before.kind === 'Secret' && before.type !== after.type)
    throw invalid('the type of a Secret cannot be edited', subject);
}

function assertValid({ kind, data }: KubernetesObject, subject: string): void {
  if (kind !== 'Secret' && kind !== 'ConfigMap') return;
  if (data === undefined) return;
  if (typeof data !== 'object' || data === null) throw invalid('data is not an object', subject);
  const encoding = kind === 'Secret' ? 'base64' : 'utf8';
  let bytes = 0;
  for (const value of Object.values(data)) {
    if (typeof value !== 'string' || (kind === 'Secret' && !BASE64.test(value))) throw invalid('not base64', subject);
    bytes += Buffer.byteLength(value, encoding);
  }
  if (bytes <= LARGEST_DATA_BYTES) return;
  throw new ObjectError({
    code: 'OBJECT_TOO_LARGE',
    message: 'the data are too large',
    subject,
    hint: 'split the data over several objects',
  });
}

function invalid(message: string, subject: string): ObjectError {
  return new ObjectError({ code: 'OBJECT_INVALID', message, subject, hint: 'correct the object' });
}

function withGeneration(kind: ResourceKind, before: KubernetesObject, edited: KubernetesObject): KubernetesObject {
  if (!kind.hasGeneration) return edited;
  const changed = !isDeepStrictEqual(before.spec, edited.spec) || !isDeepStrictEqual(before.webhooks, edited.webhooks);
  const generation = (before.metadata.generation ?? 0) + (changed ? 1 : 0);
  const count = before.metadata.annotations?.[TEMPLATE_GENERATION];
  const isCounted = changed && count !== undefined && kind.kind === 'DaemonSet';
  const annotations = isCounted
    ? { annotations: { ...edited.metadata.annotations, [TEMPLATE_GENERATION]: String(Number(count) + 1) } }
    : {};
  return { ...edited, metadata: { ...edited.metadata, ...annotations, generation } };
}

function withoutRevision({
  metadata: { resourceVersion: _revision, ...metadata },
  ...object
}: KubernetesObject): unknown {
  return { ...object, metadata };
}
