import { createFakeObjectStore, expectCode, type FakeObjectStore } from '@kube-rescue/testing';
import type { BackupDirectory, ChangeKind, Edit } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ObjectReference } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';
import { createEdit, createObjectChangeKinds, deleteEdit, type ObjectSource, replaceEdit } from './index.ts';

const SOURCE: ObjectSource = { via: 'etcd', search: null };
const KIND = RESOURCE_KINDS.ConfigMap;
const AT: ObjectReference = { kind: KIND, namespace: 'default', name: 'one' };
const objectOf = (data: Readonly<Record<string, string>>, uid?: string) => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', data },
  metadata: { name: 'one', namespace: 'default', ...(uid === undefined ? {} : { uid }) },
});

let store: FakeObjectStore;
let backup: BackupDirectory;

beforeEach(() => {
  store = createFakeObjectStore();
  // With its namespace.
  store.plant(KIND, { metadata: { name: 'other', namespace: 'default' } });
  const kept: Uint8Array[] = [];
  backup = {
    keep: async (data) => String(kept.push(data) - 1),
    read: async (name) => kept[Number(name)] ?? new Uint8Array(),
  };
});

function kindOf({ change }: Edit): ChangeKind {
  const kind = createObjectChangeKinds(async () => store).find((each) => each.kind === change.kind);
  if (kind === undefined) throw new Error(`no kind ${change.kind}`);
  return kind;
}

const capture = ({ change, material }: Edit) => kindOf({ change }).capture(change, undefined, backup, material);
const present = async () => (await store.get(AT))?.object;

/** Plants an object, and reads it as a step would. */
async function plant(data: Readonly<Record<string, string>>, uid: string) {
  store.plant(KIND, objectOf(data, uid));
  const read = await store.get(AT);
  if (read === undefined) throw new Error('not planted');
  return read;
}

describe('an object that another client has written to', () => {
  it('is not replaced, even when it changed after the staleness check', async () => {
    const read = await plant({ ca: 'old' }, 'u1');
    const edit = replaceEdit(SOURCE, read, { ...read.object, data: { ca: 'ours' } });
    expect(await kindOf(edit).staleness(edit.change)).toBeUndefined();
    await capture(edit);
    await plant({ ca: 'theirs' }, 'u1');
    await expectCode(kindOf(edit).apply(edit.change, edit.material), 'OBJECT_CONFLICT');
    expect((await present())?.['data']).toEqual({ ca: 'theirs' });
  });

  it('is named and not reverted by a rollback when it was recreated', async () => {
    const read = await plant({ ca: 'old' }, 'u1');
    const edit = replaceEdit(SOURCE, read, { ...read.object, data: { ca: 'ours' } });
    const captured = await capture(edit);
    await kindOf(edit).apply(edit.change, edit.material);
    await plant({ ca: 'ours' }, 'u2');
    const outcome = await kindOf(edit).undo(edit.change, captured, backup);
    expect(outcome).toMatchObject({ state: 'foreign', reason: expect.stringContaining('ConfigMap default/one') });
    expect((await present())?.['data']).toEqual({ ca: 'ours' });
  });

  it('is named and not deleted by the rollback of a creation when it is another one of that name', async () => {
    const edit = createEdit(SOURCE, KIND, objectOf({ a: '1' }));
    const captured = await capture(edit);
    await kindOf(edit).apply(edit.change, edit.material);
    await plant({ a: 'theirs' }, 'u2');
    const outcome = await kindOf(edit).undo(edit.change, captured, backup);
    expect(outcome).toMatchObject({ state: 'foreign', reason: expect.stringContaining('recreated') });
    expect((await present())?.['data']).toEqual({ a: 'theirs' });
  });

  it('is not deleted when it was recreated since', async () => {
    const edit = deleteEdit(SOURCE, await plant({ a: '1' }, 'u1'));
    const captured = await capture(edit);
    await plant({ a: 'theirs' }, 'u2');
    expect(await kindOf(edit).staleness(edit.change)).toContain('recreated');
    await kindOf(edit).apply(edit.change, undefined);
    expect((await present())?.['data']).toEqual({ a: 'theirs' });
    expect(await kindOf(edit).undo(edit.change, captured, backup)).toMatchObject({ state: 'foreign' });
    expect((await present())?.['data']).toEqual({ a: 'theirs' });
  });
});
