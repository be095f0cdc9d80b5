import { type KubernetesObject, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { expectCode } from '@kube-rescue/testing';
import type { Json } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { patchObject } from './object-patch.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function stored(object: Partial<KubernetesObject>): StoredObject {
  const kind = RESOURCE_KINDS[(object.kind ?? 'Secret') as 'Secret'];
  const metadata = {
    name: 'one',
    namespace: 'default',
    uid: 'u1',
    resourceVersion: '7',
    generation: 3,
    ...object.metadata,
  };
  const whole = { apiVersion: 'v1', kind: kind.kind, ...object, metadata };
  return { kind, object: whole, revision: '7', partial: false, origin: undefined };
}

const secret = stored({ data: { password: base64('old'), user: base64('me') } });

describe('a patch', () => {
  it('replaces its fields, removes null fields, and keeps the rest', async () => {
    const { data } = await patchObject(secret, { data: { password: base64('new'), user: null, more: base64('x') } });
    expect(data).toEqual({ password: base64('new'), more: base64('x') });
  });

  it('accepts plain text for a Secret under stringData, without storing that field', async () => {
    const patched = await patchObject(secret, { stringData: { password: 'new' } });
    expect(patched.data).toEqual({ password: base64('new'), user: base64('me') });
    expect(patched).not.toHaveProperty('stringData');
  });

  it('leaves fields of the API server alone', async () => {
    const { metadata } = await patchObject(secret, {
      metadata: { generation: 9, managedFields: [], labels: { a: 'b' } },
    });
    expect(metadata).toEqual({ ...secret.object.metadata, labels: { a: 'b' } });
  });

  it('is refused when it names another revision than the one that was read', async () => {
    await expectCode(patchObject(secret, { metadata: { resourceVersion: '6' } }), 'OBJECT_CONFLICT');
    expect((await patchObject(secret, { metadata: { resourceVersion: '7' } })).metadata.resourceVersion).toBe('7');
  });

  it.each([
    ['that is not an object', ['x'], secret],
    ['of the name', { metadata: { name: 'two' } }, secret],
    ['of the kind', { kind: 'ConfigMap' }, secret],
    ['with data that are not base64', { data: { password: 'not base64!' } }, secret],
    ['with data that are not text', { data: { mode: 3 } }, stored({ kind: 'ConfigMap', data: {} })],
    ['into a list', { secrets: { '0': {} } }, stored({ kind: 'ServiceAccount', secrets: [{ name: 'x' }] })],
  ])('%s is refused without its values', async (_, patch, object) => {
    const { message } = await expectCode(patchObject(object, patch), 'OBJECT_INVALID');
    expect(message).not.toContain('not base64!');
  });

  it('cannot change the prototype of its target', async () => {
    const patch = JSON.parse('{"metadata":{"labels":{"__proto__":{"polluted":"yes"}}}}') as Json;
    const { metadata } = await patchObject(secret, patch);
    expect(Object.keys(metadata.labels ?? {})).toEqual(['__proto__']);
    expect(({} as { polluted?: string }).polluted).toBeUndefined();
  });
});
