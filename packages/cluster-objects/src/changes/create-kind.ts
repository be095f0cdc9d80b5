import { isRecoveryError } from '@kube-rescue/errors';
import type { ChangeKind } from '@kube-rescue/workflow';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { findKind } from '../objects/resource-kind.ts';
import { CREATED_BY, type ObjectCreate } from './object-changes.ts';
import { deleteTarget } from './object-deletion.ts';
import { sourceOf, type OpenObjects, readTarget } from './object-targets.ts';

/**
 * `object.create`: the material is the object in JSON, with the annotation {@link CREATED_BY}.
 *
 * Undone by deleting the object, even when modified since, as long as it has that annotation. Defaults added by the API server
 * do not matter.
 */
export function createCreateKind(open: OpenObjects): ChangeKind<ObjectCreate> {
  return {
    kind: 'object.create',
    undoOrder: 'reverse',
    describe: (change) => `create ${change.target} ${sourceOf(change)}`,
    preflight: async () => undefined,
    staleness: async (change) => {
      const present = await readTarget(await open(change.way), change);
      return present === undefined || isOurs(present, change) ? undefined : `${change.target} exists already`;
    },
    capture: async ({ after }) => ({ after }),
    apply: async (change, material) => {
      if (material === undefined) throw new Error(`object.create of ${change.target} has no content to write`);
      const object = JSON.parse(Buffer.from(material).toString()) as KubernetesObject;
      await createOnce(await open(change.way), change, object);
    },
    undo: async (change) => {
      const store = await open(change.way);
      const present = await readTarget(store, change);
      if (present === undefined) return { state: 'already' };
      if (!isOurs(present, change)) {
        return { state: 'foreign', reason: `${change.target} was recreated by another client since` };
      }
      return { state: (await deleteTarget(store, change, present.object.metadata.uid)) ? 'undone' : 'already' };
    },
  };
}

/** A creation whose response was lost is recognised by the annotation. */
async function createOnce(store: ObjectStore, change: ObjectCreate, object: KubernetesObject): Promise<void> {
  try {
    await store.create(findKind(change.object.kind), object);
  } catch (error) {
    const isUncertain = isRecoveryError(error, 'OBJECT_EXISTS') || isRecoveryError(error, 'OBJECT_OUTCOME_UNKNOWN');
    const present = isUncertain ? await readTarget(store, change) : undefined;
    if (present === undefined || !isOurs(present, change)) throw error;
  }
}

function isOurs({ object }: StoredObject, { after }: ObjectCreate): boolean {
  return object.metadata.annotations?.[CREATED_BY] === after.slice(0, 16);
}
