import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { NewCredentialsDeps, ObjectReader } from '@kube-rescue/ingress-dns';
import type { Node, ObjectPath } from '@kube-rescue/node';
import { createObjectPatchStep } from '../objects/object-patch-playbook.ts';

/** The source of the cluster's objects for ingress DNS. */
export type IngressObjectsInput = ObjectPath;

/** Reads through one shared connection; makes steps that change one object, journalled. Opens nothing yet. */
export function ingressObjects(
  node: Pick<Node, 'objects' | 'openObjects'>,
  input: IngressObjectsInput,
): Pick<NewCredentialsDeps, 'objects' | 'patchStep'> {
  return {
    objects: readThrough(node.objects.access(input)),
    patchStep: async ({ reference: object, patch }, naming) => ({
      ...createObjectPatchStep({ ...input, object, patch }, node),
      ...naming,
    }),
  };
}

function readThrough(access: ObjectAccess): ObjectReader {
  const store = (signal?: AbortSignal) => access.open(signal ?? new AbortController().signal);
  return {
    get: async (reference, options) => (await store(options?.signal)).get(reference, options),
    async *list(kind, options) {
      yield* (await store(options?.signal)).list(kind, options);
    },
  };
}
