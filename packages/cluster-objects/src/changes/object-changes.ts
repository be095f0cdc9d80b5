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

/** What every change of an object says. */
export interface ObjectChange extends Change {
  /** For example `Secret kube-system/kube-apiserver`. */
  readonly target: string;
  readonly object: { readonly kind: string; readonly name: string; readonly namespace: string | null };
  readonly way: ObjectSource;
}

/** Creates one object, if there is none of its name. */
export interface ObjectCreate extends ObjectChange {
  readonly kind: 'object.create';
  /** Digest of the content to be; the object that is made carries it in {@link CREATED_BY}. */
  readonly after: string;
}

/** Replaces one object, if nobody has changed it since it was read. */
export interface ObjectReplace extends ObjectChange {
  readonly kind: 'object.replace';
  /** Digest of the content that was read. */
  readonly before: string;
  /** Digest of the content to be. */
  readonly after: string;
  /** The status is part of what is replaced. */
  readonly withStatus: boolean;
  /** What becomes of each field, values of Secrets as lengths and digests. */
  readonly edits: readonly string[];
}

/** Deletes one object, if it is still the one that was read. */
export interface ObjectDelete extends ObjectChange {
  readonly kind: 'object.delete';
  readonly uid: string;
}

/** The annotation by which an object that a run has made is known again, to be taken back or found after a kill. */
export const CREATED_BY = 'kube-rescue.dev/created-by';

/** A journalled `object.create`. Its undo deletes the object that it has made, and no other. */
export function createEdit(way: ObjectSource, kind: ResourceKind, object: KubernetesObject): Edit {
  const digest = digestOf(object, false);
  const annotations = { ...object.metadata.annotations, [CREATED_BY]: digest.slice(0, 16) };
  const marked = { ...object, metadata: { ...object.metadata, annotations } };
  const { name, namespace } = object.metadata;
  const reference = { kind, name, namespace };
  const change: ObjectCreate = { kind: 'object.create', ...describe(way, reference), after: digest };
  return { change, material: Buffer.from(JSON.stringify(marked)) };
}

/**
 * A journalled `object.replace`: everything but the status, and that too where `next` has another.
 *
 * Fails as stale when somebody changed what is replaced; a status that moved on meanwhile is kept when it is not meant.
 * @param next the object that was read, with an edit in it
 * @param edits what becomes of each field, without any secret; default: found out, values of Secrets as lengths and digests
 */
export function replaceEdit(
  way: ObjectSource,
  read: StoredObject,
  next: KubernetesObject,
  edits: readonly string[] = describeEdit(read.object, next),
): Edit {
  const withStatus = !isDeepStrictEqual(read.object.status, next.status);
  const change: ObjectReplace = {
    kind: 'object.replace',
    ...describe(way, referenceOf(read)),
    before: digestOf(read.object, withStatus),
    after: digestOf(next, withStatus),
    withStatus,
    edits,
  };
  return { change, material: Buffer.from(JSON.stringify(contentOf(next, withStatus))) };
}

/** A journalled `object.delete`. Its undo creates the object anew, with another uid. */
export function deleteEdit(way: ObjectSource, read: StoredObject): Edit {
  const { uid } = read.object.metadata;
  if (uid === undefined) throw new Error(`${describeReference(referenceOf(read))} has no uid`);
  const change: ObjectDelete = { kind: 'object.delete', ...describe(way, referenceOf(read)), uid };
  return { change };
}

function describe(
  way: ObjectSource,
  reference: ReturnType<typeof referenceOf>,
): Pick<ObjectChange, 'target' | 'object' | 'way'> {
  const { kind, name, namespace } = reference;
  return { target: describeReference(reference), object: { kind: kind.kind, name, namespace: namespace ?? null }, way };
}
