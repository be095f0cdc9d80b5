import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { HostError, hostPath } from '@kube-rescue/host';
import {
  createFakeHost,
  createFixedClock,
  expectCode,
  type FakeHost,
  type FixedClock,
  readTree,
  withFaults,
} from '@kube-rescue/testing';
import { rollbackRun, type WorkflowDeps } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import {
  accessTo,
  type FakeCluster,
  fakeCluster,
  fakeWorker,
  KUBECONFIG,
  runDeps,
  runSteps,
} from '../cluster.fixture.ts';
import { createJoinStep, JOIN_STEP, type NodeHost, type OpenNode, type Worker } from '../index.ts';

const SECRET = '-----BEGIN PRIVATE KEY-----\nnew\n';
const { signal } = new AbortController();

interface Scene {
  readonly cluster: FakeCluster;
  readonly clock: FixedClock;
  readonly host: FakeHost;
  readonly hosts: Map<string, NodeHost>;
  readonly deps: WorkflowDeps;
  readonly openNode: OpenNode;
}

/** Workers whose kubelets report as soon as they are restarted, unless `silent`. */
function scene(names: readonly string[], silent: readonly string[] = []): Scene {
  const cluster = fakeCluster();
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const hosts = new Map<string, NodeHost>();
  for (const name of names) {
    cluster.plantNode(name, { ready: 'Unknown', reportedAt: '2026-11-22T08:00:00Z' });
    const worker = fakeWorker(name);
    const act: NodeHost['services']['act'] = async (action, service) => {
      await worker.services.act(action, service);
      clock.advance(1000);
      if (!silent.includes(name)) cluster.plantNode(name, { reportedAt: clock.now().toISOString() });
    };
    hosts.set(name, { ...worker, services: { ...worker.services, act } });
  }
  const openNode: OpenNode = async ({ address }) => {
    const found = hosts.get(address);
    if (found !== undefined) return found;
    throw new HostError({ code: 'SSH_UNREACHABLE', message: 'no route to it', subject: address, hint: 'switch it on' });
  };
  const host = createFakeHost({ name: 'cp1' });
  return { cluster, clock, host, hosts, openNode, deps: runDeps(host, clock, cluster.objects, openNode) };
}

function workerOf(node: string, parts: Partial<Worker> = {}): Worker {
  const files = [
    { path: KUBECONFIG, mode: 0o600, content: Buffer.from(SECRET) },
    { path: '/etc/kubernetes/ca.crt', mode: 0o644, content: Buffer.from('new ca') },
  ];
  return { node, access: accessTo(node), kubeletService: 'kubelet', files, ...parts };
}

async function text(host: NodeHost | undefined, path = KUBECONFIG): Promise<string> {
  return Buffer.from((await host?.readFile(path)) ?? []).toString();
}

describe('joining workers', () => {
  it('leaves out a worker whose Node is unreadable, and joins the others', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02', 'node03']);
    const odd = { metadata: { name: 'node03', labels: ['a'] } } as unknown as { metadata: { name: string } };
    cluster.store.plant(RESOURCE_KINDS.Node, odd);
    const workers = ['node02', 'node03'].map((name) => workerOf(name));
    const step = createJoinStep({ workers }, { ...cluster, openNode, clock });
    const { outcome, steps } = await runSteps([step], deps);
    expect(outcome).toBe('done');
    expect(steps[0]?.warnings).toEqual([expect.stringContaining('node03 is not joined')]);
    expect([await text(hosts.get('node02')), await text(hosts.get('node03'))]).toEqual([SECRET, 'old']);
  });

  it('gives each its files, restarts its kubelet and waits until it is Ready', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02', 'node03']);
    const workers = ['node02', 'node03'].map((name) => workerOf(name));
    const result = await runSteps([createJoinStep({ workers }, { ...cluster, openNode, clock })], deps);
    expect(result.outcome).toBe('done');
    expect(result.steps[0]).toMatchObject({ step: JOIN_STEP, result: 'done', changes: 6 });
    expect(await text(hosts.get('node02'))).toBe(SECRET);
    expect((await hosts.get('node03')?.stat(KUBECONFIG))?.mode).toBe(0o600);
    const again = await runSteps([createJoinStep({ workers }, { ...cluster, openNode, clock })], deps);
    expect(again.outcome).toBe('nothing-to-do');
  });

  it('joins a worker that is still Ready, but whose kubelet is in a crash loop', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02']);
    const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
    await runSteps([step], deps);
    expect(await step.check(signal)).toMatchObject({ status: 'ok' });
    const worker = hosts.get('node02') as NodeHost;
    hosts.set('node02', { ...worker, services: { ...worker.services, status: async () => 'starting' } });
    expect(await step.check(signal)).toMatchObject({ status: 'needed' });
  });

  it('restores every byte on the worker on a rollback', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02']);
    const worker = hosts.get('node02') as unknown as FakeHost;
    const before = await readTree(worker, hostPath('/etc/kubernetes'));
    const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
    const { runId } = await runSteps([step], deps);
    expect(await readTree(worker, hostPath('/etc/kubernetes'))).not.toEqual(before);
    const { notReverted } = await rollbackRun(runId ?? '', deps);
    expect(notReverted).toEqual([]);
    expect(await readTree(worker, hostPath('/etc/kubernetes'))).toEqual(before);
  });

  it('reports an unreachable worker on a rollback', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02']);
    const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
    const { runId } = await runSteps([step], deps);
    hosts.clear();
    const { notReverted } = await rollbackRun(runId ?? '', deps);
    expect(notReverted.map(({ change }) => change.target)).toContain(`node02:${KUBECONFIG}`);
    for (const { reason } of notReverted) expect(reason).toContain('node02: no route to it');
  });

  it('joins the other workers when one is unreachable, and reports that one', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02']);
    cluster.plantNode('node03');
    const workers = ['node03', 'node02'].map((name) => workerOf(name));
    const result = await runSteps([createJoinStep({ workers }, { ...cluster, openNode, clock })], deps);
    expect(result.outcome).toBe('done');
    expect(await text(hosts.get('node02'))).toBe(SECRET);
    expect(result.steps[0]?.warnings).toEqual(['node03 is not joined: no route to it (SSH_UNREACHABLE); switch it on']);
  });

  it('joins the other workers when one fails midway, and is not verified', async () => {
    const { cluster, clock, hosts, deps, openNode } = scene(['node02', 'node03']);
    const broken = hosts.get('node02');
    if (broken === undefined) throw new Error('no node02');
    const writeFile = async (): Promise<never> => {
      throw new HostError({ code: 'HOST_NO_SPACE', message: 'the disk is full', hint: 'free some' });
    };
    hosts.set('node02', { ...broken, writeFile });
    const workers = ['node02', 'node03'].map((name) => workerOf(name));
    const run = runSteps([createJoinStep({ workers }, { ...cluster, openNode, clock })], deps);
    const error = await expectCode(run, 'NOT_VERIFIED');
    expect(error.message).toContain('node02');
    expect(await text(hosts.get('node03'))).toBe(SECRET);
  });

  it('refuses without a change when no worker can be joined', async () => {
    const { cluster, clock, deps, openNode } = scene([]);
    cluster.plantNode('node03');
    cluster.plantNode('node04');
    const input = { workers: [workerOf('node03'), workerOf('node04')] };
    const step = createJoinStep(input, { ...cluster, openNode, clock });
    expect(await step.check(signal)).toMatchObject({ status: 'blocked', code: 'SSH_UNREACHABLE', subject: 'node03' });
    const refused = await expectCode(runSteps([step], deps), 'WORKFLOW_BLOCKED');
    expect(refused.message).toContain('node03: no route to it; node04: no route to it');
    const lenient = createJoinStep({ ...input, mayFail: true }, { ...cluster, openNode, clock });
    const result = await runSteps([lenient], deps);
    expect(result.steps[0]?.warnings).toHaveLength(2);
  });

  it('refuses a machine that is not the one of the Node', async () => {
    const { cluster, clock, hosts, openNode } = scene(['node02']);
    const [, machine] = [...hosts][0] ?? [];
    if (machine === undefined) throw new Error('no machine');
    hosts.set('node02', { ...machine, hostname: 'cp1' });
    const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
    expect(await step.check(signal)).toMatchObject({ status: 'blocked', code: 'JOIN_WRONG_MACHINE' });
    hosts.set('node02', { ...machine, hostname: 'node02.example.test' });
    expect((await step.check(signal)).status).toBe('needed');
    // A kubelet may use its address as its name.
    cluster.plantNode('node02', { ready: 'Unknown', addresses: [{ type: 'InternalIP', address: '10.0.0.12' }] });
    hosts.set('node02', { ...machine, hostname: 'localhost', addresses: ['127.0.0.1', '10.0.0.12'] });
    expect((await step.check(signal)).status).toBe('needed');
    hosts.set('node02', { ...machine, hostname: 'localhost', addresses: ['127.0.0.1', '10.0.0.1'] });
    expect((await step.check(signal)).status).toBe('blocked');
  });

  it('does not trust the Ready condition of a stopped kubelet', async () => {
    const { cluster, clock, openNode, deps } = scene(['node02'], ['node02']);
    cluster.plantNode('node02', { ready: 'True', reportedAt: '2026-11-22T11:00:00Z' });
    const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
    const error = await expectCode(runSteps([step], deps), 'NOT_VERIFIED');
    expect(error.message).toContain('node02: Ready since 2026-11-22T11:00:00Z, last reported 2026-11-22T11:00:00Z');
  });

  it('does not take a renewed Lease for readiness', async () => {
    const { cluster, clock, openNode, deps } = scene(['node02'], ['node02']);
    // The condition is of the old kubelet, seconds old; the Lease is always fresh.
    cluster.plantNode('node02', { ready: 'True', reportedAt: clock.now().toISOString() });
    const get: FakeCluster['store']['get'] = async (reference) => {
      if (reference.kind.kind !== 'Lease') return cluster.store.get(reference);
      const metadata = { name: 'node02', namespace: 'kube-node-lease' };
      return cluster.store.plant(reference.kind, { metadata, spec: { renewTime: clock.now().toISOString() } });
    };
    const objects = { ...cluster.objects, open: async () => ({ ...cluster.store, get }) };
    const input = { workers: [workerOf('node02')], readyTimeoutMs: 10_000 };
    const run = runSteps([createJoinStep(input, { objects, openNode, clock })], deps);
    await expectCode(run, 'NOT_VERIFIED');
  });

  it('keeps an acceptable file', async () => {
    const { cluster, clock, openNode } = scene(['node02']);
    cluster.plantNode('node02', { reportedAt: clock.now().toISOString() });
    const accepts = (present: Uint8Array): boolean => Buffer.from(present).toString() === 'old';
    const files = [{ path: KUBECONFIG, mode: 0o600, content: Buffer.from('fresh'), accepts }];
    const step = createJoinStep({ workers: [workerOf('node02', { files })] }, { ...cluster, openNode, clock });
    expect((await step.check(signal)).status).toBe('ok');
  });

  it('keeps key material out of findings and changes', async () => {
    const { cluster, clock, openNode } = scene(['node02']);
    const finding = await createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock }).check(
      signal,
    );
    expect(JSON.stringify(finding)).not.toContain('PRIVATE KEY');
    expect(JSON.parse(JSON.stringify(finding.changes))).toEqual(finding.changes);
  });

  it('can be rolled back or resumed after a kill at any write on this host', async () => {
    let kills = 0;
    for (let failAt = 1; failAt < 20; failAt += 1) {
      const { cluster, clock, host, hosts, openNode } = scene(['node02']);
      const faulty = withFaults(host, { failAt, mode: 'killed-before' });
      const worker = hosts.get('node02') as unknown as FakeHost;
      const before = await readTree(worker, hostPath('/etc/kubernetes'));
      const step = createJoinStep({ workers: [workerOf('node02')] }, { ...cluster, openNode, clock });
      const failure = await runSteps([step], runDeps(faulty, clock, cluster.objects, openNode)).catch(
        (error: unknown) => error,
      );
      if (!(failure instanceof Error)) break;
      kills += 1;
      const deps = runDeps(host, clock, cluster.objects, openNode);
      for (const { id } of await deps.store.list()) expect((await rollbackRun(id, deps)).notReverted).toEqual([]);
      expect(await readTree(worker, hostPath('/etc/kubernetes'))).toEqual(before);
    }
    expect(kills).toBeGreaterThan(5);
  });
});
