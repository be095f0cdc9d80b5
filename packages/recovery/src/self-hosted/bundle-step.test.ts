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

/** What the kubelet of a worker, or whatever holds its certificate, may write into its Node. */
const ODD_STATUS: readonly (readonly [string, object])[] = [
  ['a Hostname with a blank', { addresses: [{ type: 'Hostname', address: 'node 02' }] }],
  ['a Hostname that ends a quotation', { addresses: [{ type: 'Hostname', address: "a'; touch /tmp/x; '" }] }],
  ['a Hostname in Unicode', { addresses: [{ type: 'Hostname', address: 'nöde02' }] }],
  ['a Hostname with control characters', { addresses: [{ type: 'Hostname', address: 'a\u0000\n\u001b[2J' }] }],
  ['an empty address', { addresses: [{ type: 'InternalIP', address: '' }] }],
  ['an address that looks like an option', { addresses: [{ type: 'InternalIP', address: '-oProxyCommand=x' }] }],
  ['an address of a megabyte', { addresses: [{ type: 'Hostname', address: 'x'.repeat(2 ** 20) }] }],
  [
    '10,000 addresses',
    { addresses: Array.from({ length: 10_000 }, (_each, index) => ({ type: 'InternalIP', address: `h${index}` })) },
  ],
];

const ODD_METADATA: readonly (readonly [string, object])[] = [
  ['labels that are a list', { labels: ['a'] }],
  ['a label that is a number', { labels: { a: 1 } }],
  ['annotations that are a text', { annotations: 'x' }],
  ['owners without a list', { ownerReferences: {} }],
  ['an owner that is null', { ownerReferences: [null] }],
];

const HARMLESS: readonly (readonly [string, object])[] = [
  ['no status', { status: undefined }],
  ['a null status', { status: null }],
  ['a status of another type', { status: 'Ready' }],
  ['no addresses', { status: { addresses: null } }],
  ['addresses of other types', { status: { addresses: [null, 7, 'x', { type: 1, address: {} }, {}] } }],
  ['null labels and taints', { metadata: { name: 'w1', labels: null, annotations: null }, spec: { taints: [null] } }],
];

describe('an odd Node of one worker', () => {
  const plant = (node: object, names: readonly string[] = ['node02', 'node03']) => {
    const host = createFakeHost();
    const store = createFakeObjectStore();
    for (const name of names) store.plant(RESOURCE_KINDS.Node, { metadata: { name } });
    const { metadata = { name: 'w1' }, ...rest } = node as { metadata?: { name: string } };
    // The store in memory lists it as planted.
    store.plant(RESOURCE_KINDS.Node, { ...rest, metadata });
    const objects: ObjectAccess = { source: { via: 'etcd', search: {} }, open: async () => store };
    const input = { except: ['cp1'], files: FILES, kubeletService: 'kubelet' };
    return { host, step: createBundleStep(input, objects, { host, clock: CLOCK }) };
  };

  it.each([
    ...ODD_STATUS.map(([what, status]) => [what, { status }] as const),
    ...ODD_METADATA.map(([what, fields]) => [what, { metadata: { ...fields, name: 'w1' } }] as const),
    ['a name that no script may hold', { metadata: { name: 'w 1$(x)' } }] as const,
  ])('with %s is named and passed over, and the other workers get their bundles', async (_what, node) => {
    const { host, step } = plant(node);
    const finding = await step.check(signal);
    expect(finding.status).toBe('needed');
    expect(finding.summary).toContain('node02, node03:');
    const line = finding.evidence.find((each) => each.startsWith('no bundle for '));
    expect(line).toMatch(/w ?1/);
    expect(line?.length).toBeLessThan(300);
    // oxlint-disable-next-line no-control-regex -- none may reach a terminal
    expect(line).not.toMatch(/[\u0000-\u001f]/);
    await step.apply(step.plan(finding), journalOf(host), signal);
    const verdict = await step.verify(signal);
    expect(verdict).toMatchObject({ verified: true, warnings: expect.arrayContaining([line]) });
    expect(await host.list(hostPath('/var/lib/kube-rescue/bundles'))).toHaveLength(2);
  });

  it.each(HARMLESS)('with %s gets its bundle like the others', async (_what, node) => {
    const { step } = plant(node);
    const finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining('w1') });
    expect(finding.evidence.filter((each) => each.startsWith('no bundle'))).toEqual([]);
  });

  it('gets a bundle for a name of 253 characters, whose directory has a shorter name', async () => {
    const name = 'w1.'.padEnd(253, 'x');
    const { host, step } = plant({ metadata: { name } }, []);
    const finding = await step.check(signal);
    expect(finding.status).toBe('needed');
    await step.apply(step.plan(finding), journalOf(host), signal);
    const [directory = ''] = (await host.list(hostPath('/var/lib/kube-rescue/bundles'))) ?? [];
    expect(directory.length).toBeLessThan(255);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
  });

  it('is a warning when no other worker needs a bundle', async () => {
    const { step } = plant({ status: ODD_STATUS[0]?.[1] }, []);
    expect(await step.check(signal)).toMatchObject({ status: 'ok', warnings: [expect.stringContaining('w1')] });
  });

  it('that is of this node is not a worker', async () => {
    const { step } = plant({ metadata: { name: 'cp1', labels: ['a'] } }, []);
    expect(await step.check(signal)).toMatchObject({ status: 'ok', evidence: [], warnings: [] });
  });

  it('does not hide an unsafe path of this node', async () => {
    const { host } = plant({});
    const store = createFakeObjectStore();
    store.plant(RESOURCE_KINDS.Node, { metadata: { name: 'w1' } });
    const objects: ObjectAccess = { source: { via: 'etcd', search: {} }, open: async () => store };
    const files = [{ path: '/etc/a b', mode: 0o600, content: Buffer.from('x') }];
    const step = createBundleStep({ except: [], files, kubeletService: 'kubelet' }, objects, { host, clock: CLOCK });
    expect(await step.check(signal)).toMatchObject({ status: 'unknown', code: 'JOIN_FILE_INVALID' });
  });
});
