import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore, expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertSingleMaster } from './single-master.ts';
import { findWorkloadComponents } from './template-flags.ts';
import { findWorkers } from './worker-targets.ts';

const { signal } = new AbortController();
const { DaemonSet, Node } = RESOURCE_KINDS;
/** No API server stores them; etcd holds what its writer sent. */
const ODD = { labels: 'x' } as unknown as { readonly labels: Readonly<Record<string, string>> };
const ROLE = { 'node-role.kubernetes.io/master': '' };

function target(address: string) {
  const access = { address, port: null, user: null, identityFile: null, knownHostsFile: null, sudo: false };
  return { access: { ...access, serviceCommand: null }, kubeletService: 'kubelet' };
}

describe('a Node that reports the addresses of another', () => {
  it('does not take its name, and makes its address ambiguous', async () => {
    const store = createFakeObjectStore();
    const claimed = ['node02', '10.0.0.2'].map((address) => ({ type: 'Hostname', address }));
    store.plant(Node, { metadata: { name: 'a' }, status: { addresses: claimed } });
    store.plant(Node, {
      metadata: { name: 'node02' },
      status: { addresses: [{ type: 'InternalIP', address: '10.0.0.2' }] },
    });
    store.plant(Node, { metadata: { name: 'z' }, status: { addresses: claimed } });
    store.plant(Node, {
      metadata: { name: 'node03' },
      status: { addresses: [{ type: 'InternalIP', address: '10.0.0.3' }] },
    });
    // One Node alone claims this name, which is the name of another.
    store.plant(Node, { metadata: { name: 'liar' }, status: { addresses: [{ type: 'Hostname', address: 'node03' }] } });
    store.plant(Node, { metadata: { ...ODD, name: 'odd' } });
    const found = await findWorkers(['node02', '10.0.0.2', '10.0.0.3', 'node03', 'gone'].map(target), store, signal);
    expect(found.map(({ node }) => node)).toEqual(['node02', '10.0.0.2', 'node03', 'node03', 'gone']);
  });
});

describe('an unreadable Node', () => {
  it('does not stop the recovery of a single control-plane node', async () => {
    const store = createFakeObjectStore();
    store.plant(Node, { metadata: { name: 'cp1', labels: ROLE } });
    store.plant(Node, { metadata: { ...ODD, name: 'odd' } });
    await expect(assertSingleMaster(store, signal)).resolves.toBeUndefined();
    store.plant(Node, { metadata: { name: 'cp2', labels: ROLE } });
    await expectCode(assertSingleMaster(store, signal), 'LAYOUT_UNSUPPORTED');
  });
});

describe('an unreadable workload of kube-system', () => {
  const plant = (name: string) => {
    const store = createFakeObjectStore();
    store.plant(DaemonSet, { metadata: { ...ODD, name, namespace: 'kube-system' } });
    return store;
  };

  it('is passed over', async () => {
    expect(await findWorkloadComponents(plant('node-exporter'), 'kube-system', signal)).toEqual([]);
  });

  it.each(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])(
    'is an error when it is %s, whose Secrets would be forgotten',
    async (name) => {
      await expectCode(findWorkloadComponents(plant(name), 'kube-system', signal), 'OBJECT_UNREADABLE');
    },
  );
});
