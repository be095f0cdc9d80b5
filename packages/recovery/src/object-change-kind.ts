import { type HostPath, hostPath } from '@kube-rescue/host';
import type { KubernetesObject, ObjectStore, StoredObject } from '@kube-rescue/cluster-objects';
import { type Change, type ChangeKind, sha256, type UndoOutcome } from '@kube-rescue/workflow';
import { canonicalContent } from './canonical-json.ts';
import type { EtcdSearch } from './etcd-connection.ts';
import { type NodeObjects, type ObjectsVia, openNodeObjects } from './etcd-objects.ts';
import { describeNode, type NodeDeps, type NodeOptions } from './kubeadm-node.ts';
import { contentOf, type ObjectContent, withContent } from './object-patch.ts';

/** Replaces one object of the cluster, if it is still of the revision that was read. */
export interface ObjectReplace extends Change {
  readonly kind: 'object.replace';
  /** For example `Secret kube-system/kube-apiserver`. */
  readonly target: string;
  readonly object: { readonly kind: string; readonly name: string; readonly namespace: string | null };
  readonly via: ObjectsVia;
  /** How etcd was asked to be found; paths, never what is in them. */
  readonly search: RecordedSearch;
  /** The revision that was read. */
  readonly before: string;
  /** Digest of the content to be. */
  readonly after: string;
  /** The status is part of what is replaced. */
  readonly withStatus: boolean;
  /** What becomes of each field, values of Secrets as lengths and digests. */
  readonly edits: readonly string[];
}

/** The part of a search that a later process needs to come by the same way. */
export interface RecordedSearch {
  readonly endpoint: string | null;
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly rotatedSet: string | null;
  readonly acceptExpiredServer: boolean;
  readonly [field: string]: string | boolean | null;
}

/** The undo record: where the old object is kept, and by what to know the new one. */
interface Captured {
  readonly kept: string;
  readonly after: string;
}

/**
 * `object.replace`: the material is the new content in JSON; it and the old object are kept in the backup folder only.
 *
 * Undone by putting the old content back, by compare-and-swap, when the object is still the one that was written. Its
 * status and what the API server counts do not matter for that.
 */
export function createObjectReplaceKind(options: NodeOptions, deps: NodeDeps): ChangeKind<ObjectReplace> {
  const signal = new AbortController().signal;
  const within = async <T>(change: ObjectReplace, action: (objects: NodeObjects) => Promise<T>): Promise<T> => {
    const node = await describeNode(options, deps);
    const objects = await openNodeObjects(node, { via: change.via, search: toSearch(change.search) }, deps, signal);
    try {
      return await action(objects);
    } finally {
      await objects.close();
    }
  };
  return {
    kind: 'object.replace',
    undoOrder: 'reverse',
    describe: ({ target, via, edits }) =>
      `replace ${target} ${via === 'etcd' ? 'in etcd' : 'through the API server'}: ${edits.join('; ')}`,
    preflight: async () => undefined,
    staleness: (change) =>
      within(change, async ({ store }) => {
        const present = await readTarget(store, change);
        if (present === undefined) return `${change.target} is gone`;
        return present.revision === change.before ? undefined : `${change.target} was changed by somebody else`;
      }),
    capture: (change, _after, backup) =>
      within(change, async ({ store }) => {
        const { object } = await demandTarget(store, change);
        const captured: Captured = {
          kept: await backup.keep(Buffer.from(JSON.stringify(object))),
          after: change.after,
        };
        return { ...captured };
      }),
    apply: (change, material) =>
      within(change, async ({ store }) => {
        if (material === undefined) throw new Error(`object.replace of ${change.target} was given no content`);
        const content = JSON.parse(Buffer.from(material).toString()) as ObjectContent;
        const present = await demandTarget(store, change);
        if (digestOf(present.object, change.withStatus) === change.after) return;
        if (present.revision !== change.before) throw await conflict(change);
        await store.replace(present, withContent(present.object, content, change.withStatus));
      }),
    undo: (change, captured, backup) =>
      within(change, async ({ store }): Promise<UndoOutcome> => {
        const { kept, after } = captured as unknown as Captured;
        const old = JSON.parse(Buffer.from(await backup.read(kept)).toString()) as KubernetesObject;
        const present = await readTarget(store, change);
        if (present === undefined || present.object.metadata.uid !== old.metadata.uid) {
          return { state: 'foreign', reason: `${change.target} was removed or made anew by somebody else since` };
        }
        const digest = digestOf(present.object, change.withStatus);
        if (digest === digestOf(old, change.withStatus)) return { state: 'already' };
        if (digest !== after) {
          return {
            state: 'foreign',
            reason: `${change.target} was changed by somebody else since, and is left as it is`,
          };
        }
        await store.replace(present, withContent(present.object, old, change.withStatus));
        return { state: 'undone' };
      }),
  };
}

/** Digest of what counts of an object, the same whatever the order of its fields. */
export function digestOf(object: KubernetesObject, withStatus: boolean): string {
  return sha256(Buffer.from(canonicalContent(contentOf(object, withStatus))));
}

export function toRecordedSearch(search: EtcdSearch): RecordedSearch {
  const { endpoint, ca, client, rotatedSet, acceptExpiredServer } = search;
  return {
    ...{ endpoint: endpoint ?? null, ca: ca ?? null, rotatedSet: rotatedSet ?? null },
    ...{ certificate: client?.certificate ?? null, key: client?.key ?? null },
    acceptExpiredServer: acceptExpiredServer ?? false,
  };
}

function toSearch({ endpoint, ca, certificate, key, rotatedSet, acceptExpiredServer }: RecordedSearch): EtcdSearch {
  const pathOf = (text: string | null): HostPath | undefined => (text === null ? undefined : hostPath(text));
  const [certificatePath, keyPath] = [pathOf(certificate), pathOf(key)];
  const client =
    certificatePath === undefined || keyPath === undefined ? undefined : { certificate: certificatePath, key: keyPath };
  return {
    endpoint: endpoint ?? undefined,
    ca: pathOf(ca),
    client,
    rotatedSet: pathOf(rotatedSet),
    acceptExpiredServer,
  };
}

async function readTarget(store: ObjectStore, { object }: ObjectReplace): Promise<StoredObject | undefined> {
  const { findKind } = await import('@kube-rescue/cluster-objects');
  return store.get({ kind: findKind(object.kind), name: object.name, namespace: object.namespace ?? undefined });
}

async function demandTarget(store: ObjectStore, change: ObjectReplace): Promise<StoredObject> {
  const present = await readTarget(store, change);
  if (present !== undefined) return present;
  const { ObjectError } = await import('@kube-rescue/cluster-objects');
  throw new ObjectError({
    code: 'OBJECT_NOT_FOUND',
    message: 'the object is gone',
    subject: change.target,
    hint: 'find out who removed it, then plan again',
  });
}

async function conflict({ target }: ObjectReplace): Promise<Error> {
  const { ObjectError } = await import('@kube-rescue/cluster-objects');
  return new ObjectError({
    code: 'OBJECT_CONFLICT',
    message: 'somebody has changed the object since it was read',
    subject: target,
    hint: 'find out who writes to it, then plan again',
  });
}
