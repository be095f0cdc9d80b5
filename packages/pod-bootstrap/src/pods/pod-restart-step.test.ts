import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { describe, expect, it } from 'vitest';
import { COREDNS, createWorld, READY, SCHEDULER, type World } from '../rescue/control-plane.fixture.ts';
import { createPodRestartKind, type PodRestart } from './pod-restart-kind.ts';
import { createPodRestartStep } from './pod-restart-step.ts';
import { RESCUE_OF } from '../rescue/rescue-pod.ts';

const signal = new AbortController().signal;
/** After the start of the containers in the fixture. */
const PUBLISHED = new Date('2026-11-22T12:30:00Z');
const TOKEN = { volumes: [{ name: 'token', secret: { secretName: 'default-token' } }] };

function withToken(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const spec = object['spec'] as { template: { metadata: object; spec: object } };
  return { ...object, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, ...TOKEN } } } };
}

/** A cluster whose controllers replace a deleted pod at once, under another name. */
function replacing(): World & {
  readonly order: readonly string[];
  readonly restart: (change: PodRestart) => Promise<void>;
} {
  const world = createWorld();
  const type = 'kubernetes.io/service-account-token';
  world.objects.plant(RESOURCE_KINDS.Secret, { metadata: { name: 'default-token', namespace: 'kube-system' }, type });
  const order: string[] = [];
  const store = {
    ...world.objects,
    delete: async (read: Parameters<typeof world.objects.delete>[0]) => {
      await world.objects.delete(read);
      const { name } = read.object.metadata;
      order.push(name);
      const status = {
        ...READY,
        containerStatuses: [{ name: 'main', state: { running: { startedAt: '2026-11-22T13:00:00Z' } } }],
      };
      world.objects.plant(RESOURCE_KINDS.Pod, {
        ...read.object,
        metadata: { ...read.object.metadata, name: `${name}-new` },
        status,
      });
    },
  };
  const kind = createPodRestartKind(async () => store);
  return { ...world, order, restart: (change) => kind.apply(change, undefined) };
}

function step(world: World) {
  return createPodRestartStep({ publishedAt: PUBLISHED, timeoutMs: 10_000 }, world);
}

function plantLone(world: World, name: string, metadata: object, spec: object = {}): void {
  world.objects.plant(RESOURCE_KINDS.Pod, {
    metadata: { name, namespace: 'kube-system', ...metadata },
    spec: { nodeName: 'cp1', ...TOKEN, ...spec },
    status: READY,
  });
}

describe('pods that hold an old CA', () => {
  it('are restarted one after the other, each replaced before the next', async () => {
    const world = replacing();
    const deployment = world.plant('Deployment', withToken(COREDNS));
    world.plantReplica(deployment, { name: 'coredns-a', node: 'cp1' });
    world.plantReplica(deployment, { name: 'coredns-b', node: 'cp1' });
    const restart = step(world);
    const finding = await restart.check(signal);
    expect(finding).toMatchObject({ status: 'needed', changes: [{ kind: 'pod.restart' }, { kind: 'pod.restart' }] });
    const perform = async (edits: readonly { readonly change: unknown }[]): Promise<void> => {
      for (const { change } of edits) await world.restart(change as PodRestart);
    };
    await restart.apply(restart.plan(finding), { perform, waitingFor: () => undefined }, signal);
    expect(world.order).toEqual(['coredns-a', 'coredns-b']);
    expect(await restart.verify(signal)).toMatchObject({ verified: true });
    expect(await restart.check(signal)).toMatchObject({ status: 'ok' });
  });

  it('are not restarted further when the first one is not replaced', async () => {
    const world = replacing();
    const deployment = world.plant('Deployment', withToken(COREDNS));
    world.plantReplica(deployment, { name: 'coredns-a', node: 'cp1' });
    const restart = step(world);
    const finding = await restart.check(signal);
    const performed: unknown[] = [];
    const perform = async (edits: readonly unknown[]): Promise<void> => void performed.push(...edits);
    const applied = restart.apply(restart.plan(finding), { perform, waitingFor: () => undefined }, signal);
    await expect(applied).rejects.toMatchObject({ code: 'POD_NOT_READY' });
    expect(performed).toHaveLength(1);
  });

  it('are reported when they would not be replaced', async () => {
    const world = replacing();
    world.plantNode('node02', { silent: true });
    plantLone(world, 'alone', {});
    plantLone(world, 'static', { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    plantLone(world, 'job', {
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: '1', controller: true }],
    });
    const deployment = world.plant('Deployment', withToken(COREDNS));
    world.plantReplica(deployment, { name: 'lost', node: 'node02' });
    const finding = await step(world).check(signal);
    expect(finding).toMatchObject({ status: 'ok', changes: [] });
    expect(finding.evidence.map((line) => line.split(' ')[0])).toEqual(
      ['alone', 'job', 'lost', 'static'].map((name) => `kube-system/${name}`),
    );
  });

  it.each([
    [
      'an API server',
      { command: ['/usr/bin/flock', '/var/lock/api-server.lock', '/hyperkube', 'apiserver', '--secure-port=443'] },
      {},
    ],
    ['etcd', { command: ['etcd', '--name=cp1'] }, {}],
    ['a checkpointed pod', {}, { 'checkpointer.alpha.coreos.com/checkpoint': 'true' }],
  ])('are never deleted when the API server depends on them: %s', async (_, container, annotations) => {
    const world = replacing();
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: '1', controller: true }];
    plantLone(world, 'vital', { ownerReferences, annotations }, { containers: [{ name: 'a', ...container }] });
    const finding = await step(world).check(signal);
    expect(finding).toMatchObject({ status: 'ok', changes: [] });
    expect(finding.evidence.join()).toContain('the API server depends on this pod');
  });

  it('are not restarted when their replacement needs them, until another replica is Ready', async () => {
    const world = replacing();
    const scheduler = world.plant('Deployment', withToken(SCHEDULER));
    world.plantReplica(scheduler, { name: 'kube-scheduler-a', node: 'cp1' });
    const alone = await step(world).check(signal);
    expect(alone).toMatchObject({ status: 'ok', changes: [] });
    expect(alone.evidence.join()).toContain('no other kube-scheduler is Ready');
    plantLone(world, 'kube-scheduler-rescue', {
      labels: { 'k8s-app': 'kube-scheduler' },
      annotations: { [RESCUE_OF]: 'x' },
    });
    expect(await step(world).check(signal)).toMatchObject({
      status: 'needed',
      changes: [{ name: 'kube-scheduler-a' }],
    });
  });

  it('do not exist before the CA is published', async () => {
    const world = replacing();
    world.plantReplica(world.plant('Deployment', withToken(COREDNS)), { name: 'coredns-a', node: 'cp1' });
    const restart = createPodRestartStep({ publishedAt: () => undefined }, world);
    expect(await restart.check(signal)).toMatchObject({ status: 'ok', evidence: [] });
  });

  it('are not restored by a rollback', async () => {
    const kind = createPodRestartKind(async () => createWorld().objects);
    const change = { kind: 'pod.restart', target: 'Pod a/b' } as PodRestart;
    const backup = { keep: async () => '', read: async () => new Uint8Array() };
    expect(await kind.undo(change, {}, backup)).toEqual({ state: 'already' });
  });
});
