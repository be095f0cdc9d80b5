import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Host, hostPath } from '@kube-rescue/host';
import { createFakeHost, createFakeObjectStore, createFixedClock, stepLaws } from '@kube-rescue/testing';
import type { Playbook, StepJournal } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createBundleStep } from './bundle-step.ts';

const CLOCK = createFixedClock('2026-11-22T12:00:00Z');
const { signal } = new AbortController();
const FILES = [{ path: '/etc/kubernetes/kubeconfig', mode: 0o600, content: Buffer.from('new') }];

/** Writes only; the laws test the records. */
function journalOf(host: Host): StepJournal {
  return {
    perform: async (edits) => {
      for (const { change, material } of edits)
        await host.writeFile(hostPath(change.target), material ?? new Uint8Array(), { mode: 0o600 });
    },
    waitingFor: () => undefined,
  };
}

function stepFor(names: readonly string[], host: Host) {
  const store = createFakeObjectStore();
  for (const name of names) {
    const reported = '2026-11-20T12:00:00Z';
    const conditions = [
      { type: 'Ready', status: 'Unknown', lastHeartbeatTime: reported, lastTransitionTime: reported },
    ];
    const addresses = [{ type: 'Hostname', address: `${name}.example.test` }];
    store.plant(RESOURCE_KINDS.Node, { metadata: { name }, status: { conditions, addresses } });
  }
  const objects: ObjectAccess = { source: { via: 'etcd', search: {} }, open: async () => store };
  const input = { except: ['cp1'], files: FILES, kubeletService: 'kubelet' };
  return createBundleStep(input, objects, { host, clock: CLOCK });
}

stepLaws('bundles for unreachable workers', () => ({
  makeHost: async () => createFakeHost(),
  makePlaybook: (host): Playbook => {
    const steps = async () => [stepFor(['cp1', 'node02', 'node03'], host)];
    return { id: 'bundles', title: 'bundles', phases: [{ id: 'nodes', title: 'nodes', steps }] };
  },
  clock: CLOCK,
  directories: [hostPath('/var/lib/kube-rescue/bundles')],
}));

describe('a worker that does not report, and is not joined over SSH', () => {
  it('gets one bundle, and is named at the end', async () => {
    const host = createFakeHost();
    const step = stepFor(['cp1', 'node02'], host);
    const finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining('node02') });
    await step.apply(step.plan(finding), journalOf(host), signal);
    const verdict = await step.verify(signal);
    const [warning] = verdict.verified ? (verdict.warnings ?? []) : [];
    const directory = /copy (\S+) there/.exec(warning ?? '')?.[1] ?? '';
    expect(directory).toMatch(/^\/var\/lib\/kube-rescue\/bundles\/node02-[0-9a-f]{8}$/);
    expect(warning).toContain('sh join.sh');
    const script = await host.readFile(`${directory}/join.sh` as Parameters<typeof host.readFile>[0]);
    expect(Buffer.from(script ?? []).toString()).toContain('node02.example.test');
    // A second recovery finds the bundle.
    expect(await step.check(signal)).toMatchObject({ status: 'ok' });
  });

  it('gets no bundle when it is joined over SSH, or is this node', async () => {
    expect(await stepFor(['cp1'], createFakeHost()).check(signal)).toMatchObject({ status: 'ok' });
  });
});
