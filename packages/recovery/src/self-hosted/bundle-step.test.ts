import { type ObjectAccess, type ObjectStore, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import { createFakeHost, createFixedClock } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createBundleStep } from './bundle-step.ts';

const clock = createFixedClock('2026-11-22T12:00:00Z');
const { signal } = new AbortController();

/** Silent Nodes of these names, as etcd holds them. */
function accessTo(...names: readonly string[]): ObjectAccess {
  const nodes = names.map((name): StoredObject => {
    const object = { apiVersion: 'v1', kind: 'Node', metadata: { name } };
    return { kind: RESOURCE_KINDS.Node, object, revision: '1', partial: false, origin: undefined };
  });
  const list: ObjectStore['list'] = async function* (kind) {
    if (kind.kind === 'Node') yield* nodes;
  };
  const store = { list, get: async () => undefined } as unknown as ObjectStore;
  return { way: { via: 'etcd', search: null }, open: async () => store };
}

describe('the folders for workers that are not reached', () => {
  it('are made for Nodes, but for none whose name would lead out of them', async () => {
    const host = createFakeHost();
    const access = accessTo('node02', '../../../../etc/cron.d/x', 'a/b', '..', 'node\u001b[2J');
    const input = { except: [], files: [], kubeletService: 'kubelet' };
    const { status, summary } = await createBundleStep(input, access, { host, clock }).check(signal);
    expect({ status, summary }).toEqual({ status: 'needed', summary: 'nobody said how to reach node02 (--join)' });
  });
});
