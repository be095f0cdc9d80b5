import { sha256 } from '@kube-rescue/workflow';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { isRecord } from '../objects/object-fields.ts';
import { canonicalContent } from './canonical-json.ts';

/** Metadata maintained by the API server; an edit keeps it. */
const KEPT_METADATA = ['resourceVersion', 'generation', 'managedFields', 'selfLink'] as const;

/** The editable part of an object: without metadata maintained by the API server, and without the status unless asked for. */
export type ObjectContent = Readonly<Record<string, unknown>>;

/** @param withStatus include the status */
export function contentOf(object: KubernetesObject, withStatus: boolean): ObjectContent {
  const { metadata, status, ...rest } = object;
  const kept: readonly string[] = KEPT_METADATA;
  const own = Object.fromEntries(Object.entries(metadata).filter(([key]) => !kept.includes(key)));
  return { ...rest, metadata: own, ...(withStatus && status !== undefined ? { status } : {}) };
}

/** The object with other content, and with the metadata maintained by the API server of `present`. */
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

/** Digest of the editable part of an object, independent of the order of fields. */
export function digestOf(object: KubernetesObject, withStatus: boolean): string {
  return sha256(Buffer.from(canonicalContent(contentOf(object, withStatus))));
}
