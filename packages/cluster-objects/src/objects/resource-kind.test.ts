import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { apiVersionOf, customKind, findKind, RESOURCE_KINDS, type ResourceKind } from './resource-kind.ts';

describe('a kind', () => {
  it.each([
    ['Secret', 'Secret'],
    ['secrets', 'Secret'],
    ['DEPLOY', 'Deployment'],
    ['daemonsets.apps', 'DaemonSet'],
    ['no', 'Node'],
    ['ep', 'Endpoints'],
  ])('is found by %j', (name, kind) => {
    expect(findKind(name).kind).toBe(kind);
  });

  it.each(['', 'secretz', 'secrets.apps', 'constructor', '__proto__'])('is not found by %j', async (name) => {
    await expectCode(
      Promise.resolve().then(() => findKind(name || ' ')),
      'OBJECT_KIND_UNKNOWN',
    );
  });

  it('names its API version', () => {
    expect([RESOURCE_KINDS.Secret, RESOURCE_KINDS.Deployment].map(apiVersionOf)).toEqual(['v1', 'apps/v1']);
  });

  it('of a custom resource is stored below its group', () => {
    const definition = { kind: 'Foo', group: 'x.example.com', version: 'v1', resource: 'foos', namespaced: true };
    expect(customKind(definition)).toMatchObject({ etcdSegment: 'x.example.com/foos', storage: 'json' });
  });

  it('has its own etcd prefix', () => {
    const segments = Object.values<ResourceKind>(RESOURCE_KINDS).map(({ etcdSegment }) => etcdSegment);
    expect(new Set(segments).size).toBe(segments.length);
  });
});
