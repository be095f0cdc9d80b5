import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { type Host, hostPath, type HttpProbe } from '@kube-rescue/host';
import {
  buildPki,
  createFakeHost,
  createFakeObjectStore,
  createFixedClock,
  expectCode,
  type Pki,
  treeOf,
} from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, type Plan, planPlaybook, type Step } from '@kube-rescue/workflow';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRotationPlaybook, reportRotation, type RotationStageName } from '../index.ts';
import { type Node, openNode } from '@kube-rescue/node';
import type { RotationInput } from './rotation-input.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const ALL: readonly RotationStageName[] = ['trust', 'issue', 'drop'];
const clock = createFixedClock(NOW);
const { signal } = new AbortController();

let pki: Pki;

beforeAll(async () => {
  pki = await buildPki({ now: NOW, algorithm: 'ecdsa' });
});

interface Cluster {
  readonly kind?: 'live' | 'copy';
  readonly nodes?: readonly string[];
}

/** A node whose API server lists nodes and nothing else. */
function nodeOf({ kind = 'live', nodes = ['node01'] }: Cluster = {}): Node {
  const tree = new Map([...pki.tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]);
  const list = { items: nodes.map((name) => ({ metadata: { name } })), metadata: {} };
  const peer = { serialNumber: '1', fingerprint256: '', validTo: NOW, trusted: true, reason: undefined };
  const request = ({ url }: HttpProbe) =>
    url.includes('/api/v1/nodes?') ? { status: 200, body: JSON.stringify(list), peer } : undefined;
  const host: Host = { ...createFakeHost({ tree, services: { kubelet: 'running' }, request }), kind };
  const objects: ObjectAccess = {
    source: { via: 'api', search: {} },
    open: () => Promise.resolve(createFakeObjectStore()),
  };
  const node = openNode(NODE, { host, clock });
  return { ...node, objects: { ...node.objects, access: () => objects } };
}

function planOf(stages: readonly RotationStageName[], node: Node, over: Partial<RotationInput> = {}): Promise<Plan> {
  const input: RotationInput = { ca: 'cluster', stages, ...over };
  return planPlaybook(createRotationPlaybook(node, input), {
    host: 'node01',
    clock: { now: () => NOW },
    selection: {},
    signal,
  });
}

const names = (plan: Plan, step: string): readonly string[] =>
  plan.entries
    .find((entry) => entry.step === step)
    ?.changes.map(({ target }) => target.replace('/etc/kubernetes/', '')) ?? [];

/** Writes the files of a stage, without a restart. */
async function makeFiles(stage: RotationStageName, node: Node): Promise<void> {
  const input: RotationInput = { ca: 'cluster', stages: [stage] };
  const steps = await createRotationPlaybook(node, input).phases[0]?.steps(signal);
  const step = steps?.find(({ id }) => id === `${stage}/cluster-ca/files`) as Step;
  const kinds = createChangeRegistry(hostChangeKinds(node.machine));
  await step.apply(
    step.plan(await step.check(signal)),
    {
      perform: async (edits) => {
        for (const { change, material } of edits) await kinds.get(change.kind)?.apply(change, material);
      },
      waitingFor: () => undefined,
    },
    signal,
  );
}

describe('a rotation of the cluster CA', () => {
  it('plans the files of its first stage and the restarts that they need, but no restart of the API server', async () => {
    const plan = await planOf(ALL, nodeOf());
    expect(names(plan, 'trust/cluster-ca/files')).toEqual([
      'pki/ca-next.key',
      'pki/ca-signing.crt',
      'controller-manager.conf',
      'scheduler.conf',
      'kubelet.conf',
      'admin.conf',
      'pki/ca.crt',
    ]);
    expect(names(plan, 'trust/cluster-ca/restart')).toEqual([
      'manifests/kube-controller-manager.yaml',
      'manifests/kube-scheduler.yaml',
      'kubelet',
    ]);
    const later = plan.entries.filter(({ phase }) => phase !== 'trust');
    expect(later.length).toBeGreaterThan(15);
    const open = later.filter(({ step }) => !step.endsWith('other-nodes'));
    expect(open.every(({ finding }) => (finding.waitsFor ?? []).length > 0)).toBe(true);
  });

  it('continues from the stage that the files show', async () => {
    const node = nodeOf();
    expect(await reportRotation(node, { ca: 'cluster' })).toMatchObject({
      stage: 'settled',
      next: null,
    });
    await makeFiles('trust', node);
    expect(await reportRotation(node, { ca: 'cluster' })).toMatchObject({
      stage: 'trust',
      next: 'issue',
    });
    const plan = await planOf(['issue'], node);
    expect(names(plan, 'issue/cluster-ca/files')).toEqual([
      'pki/ca-signing.crt',
      'pki/ca.crt',
      'pki/ca.key',
      'pki/ca-next.key',
    ]);
    await makeFiles('issue', node);
    const report = await reportRotation(node, { ca: 'cluster' });
    expect(report).toMatchObject({ stage: 'issue', next: 'drop' });
    expect(report.certificates.map(({ role }) => role)).toEqual(['signs', 'trusted still']);
  });

  it('starts no second rotation when a run with a completed rotation is resumed', async () => {
    const { entries } = await planOf(ALL, nodeOf(), { hasBegun: true });
    const files = entries.filter(({ step }) => step.endsWith('/files'));
    expect(files.map(({ finding }) => finding.status)).toEqual(['ok', 'ok', 'ok']);
    expect(files.flatMap(({ changes }) => changes)).toEqual([]);
  });

  it.each([
    ['a stage out of order', ['issue'], {}, 'PKI_ROTATION_STAGE'],
    ['a copy of a node', ['trust'], { kind: 'copy' }, 'NODE_NOT_LIVE'],
  ] as const)('refuses %s', async (_name, stages, cluster, code) => {
    await expectCode(planOf(stages, nodeOf(cluster)), code);
  });

  it('refuses to disconnect other nodes before it writes anything, unless the operator asserts that they are prepared', async () => {
    const node = nodeOf({ nodes: ['node01', 'node02'] });
    const finding = async (over: Partial<RotationInput>) =>
      (await planOf(ALL, node, over)).entries.find(({ step }) => step === 'issue/cluster-ca/other-nodes')?.finding;
    expect(await finding({})).toMatchObject({
      status: 'blocked',
      summary: expect.stringContaining('node02') as string,
    });
    expect((await finding({}))?.waitsFor).toBeUndefined();
    expect(await finding({ nodesReady: true })).toMatchObject({ status: 'ok' });
  });
});
