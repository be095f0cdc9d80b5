import type { ObjectReference } from '@kube-rescue/cluster-objects';
import type { Json } from '@kube-rescue/workflow';

/** A merge patch (RFC 7386) for one object. May hold secrets: to be applied, never to be shown. */
export interface ObjectPatch {
  readonly reference: ObjectReference;
  readonly patch: Json;
}
