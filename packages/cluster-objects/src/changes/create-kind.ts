import { isRecoveryError } from '@kube-rescue/errors';
import type { ChangeKind } from '@kube-rescue/workflow';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { findKind } from '../objects/resource-kind.ts';
import { CREATED_BY, type ObjectCreate } from './object-changes.ts';
import { deleteTarget } from './object-deletion.ts';
import { sourceOf, type OpenObjects, readTarget } from './object-targets.ts';

/**
 * `object.create`: the material is the object in JSON, with the mark by which it is known as ours.
 *
 * Undone by deleting it, whatever became of it since, as long as it carries that mark. Defaults that the API server adds
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
      return present === undefined || isOurs(present, change) ? undefined : `${change.target} is there already`;
    },
    capture: async ({ after }) => ({ after }),
    apply: async (change, material) => {
      if (material === undefined) throw new Error(`object.create of ${change.target} was given no content`);
      const object = JSON.parse(Buffer.from(material).toString()) as KubernetesObject;
      await createOnce(await open(change.way), change, object);
    },
    undo: async (change) => {
      const store = await open(change.way);
      const present = await readTarget(store, change);
      if (present === undefined) return { state: 'already' };
      if (!isOurs(present, change)) {
        return { state: 'foreign', reason: `${change.target} was made anew by somebody else since` };
      }
      return { state: (await deleteTarget(store, change, present.object.metadata.uid)) ? 'undone' : 'already' };
    },
  };
}

/** A creation whose answer was lost is told by the mark on what is there. */
async function createOnce(store: ObjectStore, change: ObjectCreate, object: KubernetesObject): Promise<void> {
  try {
    await store.create(findKind(change.object.kind), object);
  } catch (error) {
    const isDoubtful = isRecoveryError(error, 'OBJECT_EXISTS') || isRecoveryError(error, 'OBJECT_OUTCOME_UNKNOWN');
    const present = isDoubtful ? await readTarget(store, change) : undefined;
    if (present === undefined || !isOurs(present, change)) throw error;
  }
}

function isOurs({ object }: StoredObject, { after }: ObjectCreate): boolean {
  return object.metadata.annotations?.[CREATED_BY] === after.slice(0, 16);
}
