import type { ChangeKind } from '@kube-rescue/workflow';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { findKind } from '../objects/resource-kind.ts';
import type { ObjectDelete } from './object-changes.ts';
import { deleteTarget } from './object-deletion.ts';
import { sourceOf, type OpenObjects, readTarget } from './object-targets.ts';

/**
 * `object.delete`: the object is kept in the backup directory. Undone by recreating it with the same content and another
 * uid: references by uid are broken.
 */
export function createDeleteKind(open: OpenObjects): ChangeKind<ObjectDelete> {
  return {
    kind: 'object.delete',
    undoOrder: 'reverse',
    describe: (change) => `delete ${change.target} ${sourceOf(change)}`,
    preflight: async () => undefined,
    staleness: async (change) => {
      const present = await readTarget(await open(change.way), change);
      if (present === undefined) return `${change.target} is gone`;
      return present.object.metadata.uid === change.uid
        ? undefined
        : `${change.target} was recreated by another client`;
    },
    capture: async (change, _after, backup) => {
      const present = await readTarget(await open(change.way), change);
      const object = present?.object.metadata.uid === change.uid ? present.object : undefined;
      return object === undefined ? {} : { kept: await backup.keep(Buffer.from(JSON.stringify(object))) };
    },
    apply: async (change) => {
      await deleteTarget(await open(change.way), change, change.uid);
    },
    undo: async (change, captured, backup) => {
      const { kept } = captured as { readonly kept?: string };
      const store = await open(change.way);
      const present = await readTarget(store, change);
      if (kept === undefined || present?.object.metadata.uid === change.uid) return { state: 'already' };
      if (present !== undefined) {
        return { state: 'foreign', reason: `${change.target} was recreated by another client since` };
      }
      const old = JSON.parse(Buffer.from(await backup.read(kept)).toString()) as KubernetesObject;
      await store.create(findKind(change.object.kind), asNew(old));
      return { state: 'undone' };
    },
  };
}

/** The object without fields that the API server assigns. */
function asNew({ status: _status, ...object }: KubernetesObject): KubernetesObject {
  const assigned = [
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'managedFields',
    'selfLink',
  ];
  const kept = Object.entries(object.metadata).filter(([key]) => !assigned.includes(key));
  return { ...object, metadata: Object.fromEntries(kept) as KubernetesObject['metadata'] };
}
