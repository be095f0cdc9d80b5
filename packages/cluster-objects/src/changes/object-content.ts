import { sha256 } from '@kube-rescue/workflow';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isRecord } from '../objects/object-fields.ts';
import { canonicalContent } from './canonical-json.ts';

/** What the API server counts and keeps by itself; an edit leaves it as it is. */
const KEPT_METADATA = ['resourceVersion', 'generation', 'managedFields', 'selfLink'] as const;

/** An object as a person edits it: without what the API server keeps by itself, and without the status unless that is meant. */
export type ObjectContent = Readonly<Record<string, unknown>>;

/** @param withStatus the status belongs to what is edited */
export function contentOf(object: KubernetesObject, withStatus: boolean): ObjectContent {
  const { metadata, status, ...rest } = object;
  const kept: readonly string[] = KEPT_METADATA;
  const own = Object.fromEntries(Object.entries(metadata).filter(([key]) => !kept.includes(key)));
  return { ...rest, metadata: own, ...(withStatus && status !== undefined ? { status } : {}) };
}

/** The object with other content, and with everything that the API server keeps by itself as it is in `present`. */
export function withContent(present: KubernetesObject, content: ObjectContent, withStatus: boolean): KubernetesObject {
  const { metadata, status, ...rest } = content;
  const bookkeeping = KEPT_METADATA.filter((key) => Object.hasOwn(present.metadata, key));
  const kept = Object.fromEntries(bookkeeping.map((key) => [key, present.metadata[key]]));
  const own = Object.entries(isRecord(metadata) ? metadata : {}).filter(
    ([key]) => !(KEPT_METADATA as readonly string[]).includes(key),
  );
  const shown = withStatus ? status : present.status;
  return {
    ...rest,
    metadata: { ...Object.fromEntries(own), ...kept },
    ...(shown === undefined ? {} : { status: shown }),
  } as KubernetesObject;
}

/** Digest of what counts of an object, the same whatever the order of its fields. */
export function digestOf(object: KubernetesObject, withStatus: boolean): string {
  return sha256(Buffer.from(canonicalContent(contentOf(object, withStatus))));
}
