import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFakeHost, createFakeObjectStore, createFixedClock } from '@kube-rescue/testing';
import type { StepJournal } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createBundleStep } from './bundle-step.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const { signal } = new AbortController();
const JOURNAL: StepJournal = { perform: async () => undefined, waitingFor: () => undefined };
const FILES = [{ path: '/etc/kubernetes/kubeconfig', mode: 0o600, content: Buffer.from('new') }];

function workersOf(...names: readonly string[]) {
  const store = createFakeObjectStore();
  for (const name of names) {
    const reported = '2026-11-20T12:00:00Z';
    const conditions = [
      { type: 'Ready', status: 'Unknown', lastHeartbeatTime: reported, lastTransitionTime: reported },
    ];
    const addresses = [{ type: 'Hostname', address: `${name}.example.test` }];
    store.plant(RESOURCE_KINDS.Node, { metadata: { name }, status: { conditions, addresses } });
  }
  const objects: ObjectAccess = { way: { via: 'etcd', search: {} }, open: async () => store };
  const host = createFakeHost();
  const input = { except: ['cp1'], files: FILES, kubeletService: 'kubelet' };
  return { host, step: createBundleStep(input, objects, { host, clock: createFixedClock(NOW) }) };
}

describe('a worker that is silent, and that nobody said how to reach', () => {
  it('is given a folder to be carried there, once, and is named at the end', async () => {
    const { host, step } = workersOf('cp1', 'node02');
    expect(await step.check(signal)).toMatchObject({ status: 'needed', summary: expect.stringContaining('node02') });
    await step.apply([], JOURNAL, signal);
    const verdict = await step.verify(signal);
    const [warning] = verdict.verified ? (verdict.warnings ?? []) : [];
    const folder = /copy (\S+) there/.exec(warning ?? '')?.[1] ?? '';
    expect(folder).toMatch(/^\/var\/lib\/kube-rescue\/bundles\/node02-[0-9a-f]{8}$/);
    expect(warning).toContain('sh join.sh');
    const script = await host.readFile(`${folder}/join.sh` as Parameters<typeof host.readFile>[0]);
    expect(Buffer.from(script ?? []).toString()).toContain('node02.example.test');
    // A second recovery finds it there.
    expect(await step.check(signal)).toMatchObject({ status: 'ok' });
  });

  it('is none of this step where it is joined over SSH, or is this very node', async () => {
    expect(await workersOf('cp1').step.check(signal)).toMatchObject({ status: 'ok' });
  });
});
