import {
  describeReference,
  digestOf,
  isRecord,
  type ObjectReference,
  type ObjectReplace,
  type ObjectSource,
  replaceEdit,
} from '@kube-rescue/cluster-objects';
import type { Edit, Finding, Json, Playbook, Step } from '@kube-rescue/workflow';
import {
  chooseObjectsVia,
  type Node,
  type NodeObjects,
  type ObjectPath,
  type ObjectsVia,
  toRecordedSearch,
} from '@kube-rescue/node';
import { patchObject } from './object-patch.ts';

export interface ObjectPatchInput extends Pick<ObjectPath, 'search'> {
  readonly object: ObjectReference;
  /** A merge patch (RFC 7386). */
  readonly patch: Json;
  /** Default: the API server while it is ready, etcd otherwise. */
  readonly via?: ObjectsVia | undefined;
}

/** Opens the objects; the step closes them. A `Node` does. */
export type ObjectPatchDeps = Pick<Node, 'openObjects'>;

interface PatchFinding extends Finding {
  readonly changes: readonly ObjectReplace[];
}

/**
 * Changes one object of the cluster, by compare-and-swap; can be rolled back as any other run.
 *
 * In etcd it bypasses admission and validation: only the encoding of the fields is checked. Its phase throws NodeErrors,
 * EtcdErrors and ObjectErrors before anything is written.
 */
export function createObjectPatchPlaybook(node: Node, input: ObjectPatchInput): Playbook {
  let chosen = input.via;
  return {
    id: 'object-patch',
    title: 'Change an object',
    phases: [
      {
        id: 'objects',
        title: 'Objects of the cluster',
        steps: async (signal) => {
          // Chosen once: the confirmed plan and the run use the same source.
          chosen ??= await chooseObjectsVia(node, signal);
          return [createObjectPatchStep({ ...input, via: chosen }, node)];
        },
      },
    ],
  };
}

/** The step of {@link createObjectPatchPlaybook}, for use in another playbook. */
export function createObjectPatchStep(
  input: ObjectPatchInput & { readonly via: ObjectsVia },
  deps: ObjectPatchDeps,
): Step<PatchFinding> {
  const { object: reference, via, search } = input;
  const source: ObjectSource = { via, search: toRecordedSearch(search) };
  const planned = new Map<string, Edit>();
  const within = async <T>(signal: AbortSignal, action: (objects: NodeObjects) => Promise<T>): Promise<T> => {
    const objects = await deps.openObjects({ via, search }, signal);
    try {
      return await action(objects);
    } finally {
      await objects.close();
    }
  };
  return {
    id: 'objects/patch',
    title: 'change the object',
    requires: [],
    reversible: 'yes',
    check: (signal) =>
      within(signal, async ({ store, mayWrite }) => {
        const target = describeReference(reference);
        const read = await store.get(reference, { signal });
        if (read === undefined) return missing(target);
        const edit = replaceEdit(source, read, await patchObject(read, input.patch));
        const change = edit.change as ObjectReplace;
        if (change.before === change.after) {
          return { status: 'ok', summary: `${target} is up to date`, evidence: [], changes: [] };
        }
        if (!mayWrite) return withoutQuorum(target);
        planned.set(change.after, edit);
        const summary = `${target} is to be changed ${via === 'etcd' ? 'in etcd' : 'through the API server'}`;
        return { status: 'needed', summary, evidence: change.edits, changes: [change] };
      }),
    plan: ({ changes }) => changes,
    apply: (changes, journal) =>
      journal.perform(changes.map((change) => planned.get((change as ObjectReplace).after) ?? { change })),
    verify: (signal) =>
      within(signal, async ({ store }) => {
        const read = await store.get(reference, { signal });
        // A controller may have written other fields meanwhile; the fields of the patch must hold.
        const isApplied =
          read !== undefined &&
          digestOf(await patchObject(read, withoutRevision(input.patch)), true) === digestOf(read.object, true);
        if (!isApplied) {
          const reason = 'another client has changed the object since';
          return { verified: false, reason, hint: 'find that client and stop it first' };
        }
        return { verified: true, evidence: [`read again in revision ${read?.revision ?? ''}`] };
      }),
  };
}

/** A patch may demand the revision before the change. */
function withoutRevision(patch: Json): Json {
  if (!isRecord(patch) || !isRecord(patch['metadata'])) return patch;
  const { resourceVersion: _before, ...metadata } = patch['metadata'];
  return { ...patch, metadata };
}

function missing(subject: string): PatchFinding {
  return {
    status: 'blocked',
    summary: `${subject} not found`,
    evidence: [],
    changes: [],
    code: 'OBJECT_NOT_FOUND',
    subject,
    hint: 'check its name and namespace (`kube-rescue etcd get`)',
  };
}

function withoutQuorum(subject: string): PatchFinding {
  return {
    status: 'blocked',
    summary: 'etcd has no quorum and refuses writes',
    evidence: [],
    changes: [],
    code: 'ETCD_NO_QUORUM',
    subject,
    hint: 'start members until a majority answers',
  };
}
