import { createFakeObjectStore, expectCode } from '@kube-rescue/testing';
import type { ChangeKind } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { ObjectError } from '../errors.ts';
import { RESOURCE_KINDS, type ResourceKind } from '../objects/resource-kind.ts';
import { createObjectChangeKinds, replaceEdit } from './index.ts';

const NAME = 'csr-8zzkm';
/** As Kubernetes 1.37 answered. */
const REFUSAL = { code: 'OBJECT_INVALID', message: 'the API server answered 422 Invalid (status.conditions)' } as const;

/** An approval that was made, in a cluster that takes no answer back. */
async function approve(kind: ResourceKind) {
  const store = createFakeObjectStore();
  store.plant(kind, { metadata: { name: NAME, uid: 'u1' }, status: {} });
  const read = await store.get({ kind, name: NAME });
  if (read === undefined) throw new Error('not planted');
  const approved = { ...read.object, status: { conditions: [{ type: 'Approved' }] } };
  const { change, material } = replaceEdit({ via: 'api', search: null }, read, approved);
  let isLasting = false;
  const api = {
    ...store,
    replace: async (...input: Parameters<typeof store.replace>) => {
      if (!isLasting) return store.replace(...input);
      throw new ObjectError({ ...REFUSAL, subject: NAME, hint: 'change it' });
    },
  };
  const kept: Uint8Array[] = [];
  const backup = {
    keep: async (data: Uint8Array) => String(kept.push(data) - 1),
    read: async (name: string) => kept[Number(name)] ?? new Uint8Array(),
  };
  const replace = createObjectChangeKinds(async () => api).find((each) => each.kind === change.kind) as ChangeKind;
  const captured = await replace.capture(change, undefined, backup, material);
  await replace.apply(change, material);
  isLasting = true;
  return {
    store,
    undo: () => replace.undo(change, captured, backup),
    preview: () => replace.previewUndo?.(change, captured, backup),
  };
}

describe('an approved signing request', () => {
  const kind = RESOURCE_KINDS.CertificateSigningRequest;

  it('stays approved, and the rollback is complete without it', async () => {
    const { store, undo } = await approve(kind);
    expect(await undo()).toEqual({ state: 'already' });
    expect((await store.get({ kind, name: NAME }))?.object.status).toEqual({ conditions: [{ type: 'Approved' }] });
  });

  it('leaves nothing to be undone once kube-controller-manager has removed it', async () => {
    const { store, undo, preview } = await approve(kind);
    const present = await store.get({ kind, name: NAME });
    if (present !== undefined) await store.delete(present);
    expect(await preview()).toEqual({ state: 'already' });
    expect(await undo()).toEqual({ state: 'already' });
  });

  it('is the exception: any other object that the API server refuses is reported', async () => {
    const { undo } = await approve(RESOURCE_KINDS.Node);
    await expectCode(undo(), 'OBJECT_INVALID');
  });
});
