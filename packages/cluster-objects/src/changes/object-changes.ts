import type { Change, Edit } from '@kube-rescue/workflow';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { referenceOf } from '../objects/object-failures.ts';
import { describeReference } from '../objects/object-name.ts';
import type { StoredObject } from '../object-store.ts';
import type { ResourceKind } from '../objects/resource-kind.ts';
import { contentOf, digestOf } from './object-content.ts';
import { describeEdit } from './object-mask.ts';
import type { ObjectSource } from './object-source.ts';

/** Common fields of changes of objects. */
export interface ObjectChange extends Change {
  /** For example `Secret kube-system/kube-apiserver`. */
  readonly target: string;
  readonly object: { readonly kind: string; readonly name: string; readonly namespace: string | null };
  /** Source that the change was made through, also for its rollback. The name is that of journals on disk. */
  readonly way: ObjectSource;
}

/** Creates one object, if none of its name exists. */
export interface ObjectCreate extends ObjectChange {
  readonly kind: 'object.create';
  /** Digest of the new content; the created object has it in annotation {@link CREATED_BY}. */
  readonly after: string;
}

/** Replaces one object, if it has not changed since it was read. */
export interface ObjectReplace extends ObjectChange {
  readonly kind: 'object.replace';
  /** Digest of the content that was read. */
  readonly before: string;
  /** Digest of the new content. */
  readonly after: string;
  /** Whether the status is replaced too. */
  readonly withStatus: boolean;
  /** A line for each changed field, values of Secrets as lengths and digests. */
  readonly edits: readonly string[];
}

/** Deletes one object, if its uid is still the one that was read. */
export interface ObjectDelete extends ObjectChange {
  readonly kind: 'object.delete';
  readonly uid: string;
}

/** Annotation that identifies an object created by a run, for rollback and resume. */
export const CREATED_BY = 'kube-rescue.dev/created-by';

/** A journalled `object.create`. Its undo deletes the created object, and no other. */
export function createEdit(source: ObjectSource, kind: ResourceKind, object: KubernetesObject): Edit {
  const digest = digestOf(object, false);
  const annotations = { ...object.metadata.annotations, [CREATED_BY]: digest.slice(0, 16) };
  const marked = { ...object, metadata: { ...object.metadata, annotations } };
  const { name, namespace } = object.metadata;
  const reference = { kind, name, namespace };
  const change: ObjectCreate = { kind: 'object.create', ...describe(source, reference), after: digest };
  return { change, material: Buffer.from(JSON.stringify(marked)) };
}

/**
 * A journalled `object.replace`: everything but the status, and that too where `next` has another.
 *
 * Fails as stale when the replaced fields have changed; a newer status is kept unless `next` edits the status.
 * @param next an edited copy of the object that was read
 * @param edits a line for each changed field, without secrets; default: computed, values of Secrets as lengths and digests
 */
export function replaceEdit(
  source: ObjectSource,
  read: StoredObject,
  next: KubernetesObject,
  edits: readonly string[] = describeEdit(read.object, next),
): Edit {
  const withStatus = !isDeepStrictEqual(read.object.status, next.status);
  const change: ObjectReplace = {
    kind: 'object.replace',
    ...describe(source, referenceOf(read)),
    before: digestOf(read.object, withStatus),
    after: digestOf(next, withStatus),
    withStatus,
    edits,
  };
  return { change, material: Buffer.from(JSON.stringify(contentOf(next, withStatus))) };
}

/** A journalled `object.delete`. Its undo recreates the object, with another uid. */
export function deleteEdit(source: ObjectSource, read: StoredObject): Edit {
  const { uid } = read.object.metadata;
  if (uid === undefined) throw new Error(`${describeReference(referenceOf(read))} has no uid`);
  const change: ObjectDelete = { kind: 'object.delete', ...describe(source, referenceOf(read)), uid };
  return { change };
}

function describe(
  source: ObjectSource,
  reference: ReturnType<typeof referenceOf>,
): Pick<ObjectChange, 'target' | 'object' | 'way'> {
  const { kind, name, namespace } = reference;
  return {
    target: describeReference(reference),
    object: { kind: kind.kind, name, namespace: namespace ?? null },
    way: source,
  };
}
