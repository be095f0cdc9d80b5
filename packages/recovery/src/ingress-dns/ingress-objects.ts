import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { NewCredentialsDeps, ObjectReader } from '@kube-rescue/ingress-dns';
import type { EtcdSearch, NodeDeps, NodeOptions, ObjectSession, ObjectsVia } from '@kube-rescue/node';
import { createObjectPatchStep } from '../objects/object-patch-playbook.ts';

/** How ingress DNS comes by the objects of this node's cluster. */
export interface IngressObjectsInput extends NodeOptions {
  readonly via: ObjectsVia;
  readonly search: EtcdSearch;
}

/** Reads through one shared connection; makes steps that change one object, journalled. Opens nothing yet. */
export function ingressObjects(
  input: IngressObjectsInput,
  deps: NodeDeps & { readonly objects: Pick<ObjectSession, 'access'> },
): Pick<NewCredentialsDeps, 'objects' | 'patchStep'> {
  return {
    objects: readThrough(deps.objects.access(input)),
    patchStep: async ({ reference: object, patch }, naming) => ({
      ...createObjectPatchStep({ ...input, object, patch }, deps),
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
