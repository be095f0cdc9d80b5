import { type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Step } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { createWorld, READY, type World } from '../rescue/control-plane.fixture.ts';
import { createLockWatch, type HolderMachine, type LockWatch } from './ended-holder.ts';
import { createLeaseReleaseKind, leaseRelease } from './lease-release-kind.ts';
import { createLeaseReleaseStep } from './lease-release-step.ts';
import { LEADER_ANNOTATION, readLeaders } from './leader-election.ts';

const { signal } = new AbortController();
const LOCK = { namespace: 'kube-system', name: 'kube-scheduler' };
const RENEWED = '2026-11-22T11:59:58.000000Z';
const HOLDER = 'cp1_5f3c1d0e-0b5a-4f0e-9d67-4f6f1c1c0c11';

interface Given {
  /** When the schedulers of this machine started; default: none runs. */
  readonly starts?: readonly string[] | undefined | 'unknown';
  readonly watch?: LockWatch;
}

function machineOf({ starts = [] }: Given): HolderMachine {
  return {
    node: 'cp1',
    hostname: 'cp1',
    startsOf: async () => (starts === 'unknown' ? undefined : starts.map((start) => new Date(start))),
  };
}

function release(world: World, given: Given = {}): Step {
  const watch = given.watch ?? createLockWatch(world.clock);
  const elected = async () => [{ component: 'kube-scheduler' as const, lock: LOCK, podNamespace: 'kube-system' }];
  return createLeaseReleaseStep({ elected, machine: machineOf(given), watch }, world);
}

async function lockOf({ objects }: World): Promise<KubernetesObject | undefined> {
  return (await objects.get({ kind: RESOURCE_KINDS.Lease, ...LOCK }))?.object;
}

function plantPod({ objects }: World, name: string, node: string): void {
  objects.plant(RESOURCE_KINDS.Pod, {
    metadata: { name, namespace: 'kube-system' },
    spec: { nodeName: node, containers: [{ name: 'main' }] },
    status: READY,
  });
}

describe('a leader lock', () => {
  it('is taken from a process of this machine that has ended, and only its holder is removed', async () => {
    const world = createWorld();
    world.objects.plant(RESOURCE_KINDS.Lease, {
      metadata: LOCK,
      spec: { holderIdentity: HOLDER, renewTime: RENEWED, leaseDurationSeconds: 15, leaseTransitions: 4 },
    });
    const { outcome, steps } = await world.run(release(world));
    expect([outcome, steps[0]?.result]).toEqual(['done', 'done']);
    expect((await lockOf(world))?.spec).toEqual({ renewTime: RENEWED, leaseDurationSeconds: 15, leaseTransitions: 4 });
  });

  it.each([
    ['a process that is old enough runs', { starts: ['2026-11-22T09:00:00Z'] }],
    ['a process that started just then runs, for start times are not exact', { starts: ['2026-11-22T11:59:59Z'] }],
    ['the start of the processes is unknown', { starts: 'unknown' as const }],
  ])('is left to its holder while %s', async (_why, given: Given) => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', HOLDER, RENEWED);
    expect((await world.run(release(world, given))).outcome).toBe('nothing-to-do');
    expect((await lockOf(world))?.spec).toMatchObject({ holderIdentity: HOLDER });
  });

  it('is taken where only younger processes run here', async () => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', HOLDER, RENEWED);
    expect((await world.run(release(world, { starts: ['2026-11-22T12:00:30Z'] }))).outcome).toBe('done');
  });

  it('is left to a holder on another node, until it was not renewed for its whole duration', async () => {
    const world = createWorld();
    world.plantNode('cp2');
    world.plantLeader('kube-scheduler', 'cp2_1', RENEWED);
    const watch = createLockWatch(world.clock);
    expect((await world.run(release(world, { watch }))).outcome).toBe('nothing-to-do');
    world.clock.advance(14_000);
    expect((await world.run(release(world, { watch }))).outcome).toBe('nothing-to-do');
    world.plantLeader('kube-scheduler', 'cp2_1', '2026-11-22T12:00:10Z');
    world.clock.advance(14_000);
    expect((await world.run(release(world, { watch }))).outcome, 'it was renewed').toBe('nothing-to-do');
    world.clock.advance(15_000);
    expect((await world.run(release(world, { watch }))).outcome).toBe('done');
  });

  it('is taken from a pod of this node without a process, not from one of another node', async () => {
    for (const [node, outcome] of [
      ['cp1', 'done'],
      ['node02', 'nothing-to-do'],
    ] as const) {
      const world = createWorld();
      plantPod(world, 'kube-scheduler-6d4b7', node);
      world.plantLeader('kube-scheduler', 'kube-scheduler-6d4b7_1', RENEWED);
      expect((await world.run(release(world))).outcome).toBe(outcome);
    }
  });

  it('is taken from a pod that is gone once its time is up', async () => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', 'kube-scheduler-gone_1', RENEWED);
    expect((await world.run(release(world))).outcome).toBe('nothing-to-do');
    world.clock.advance(13_000);
    expect((await world.run(release(world))).outcome).toBe('done');
  });

  it('is taken on every object that carries it (endpointsleases)', async () => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', HOLDER, RENEWED);
    const record = { holderIdentity: HOLDER, leaseDurationSeconds: 15, renewTime: '2026-11-22T11:59:58Z' };
    const annotations = { [LEADER_ANNOTATION]: JSON.stringify(record), kept: 'yes' };
    world.objects.plant(RESOURCE_KINDS.Endpoints, { metadata: { ...LOCK, annotations } });
    await world.run(release(world));
    expect(await readLeaders(LOCK, { store: world.objects, clock: world.clock }, signal)).toEqual([]);
    const endpoints = await world.objects.get({ kind: RESOURCE_KINDS.Endpoints, ...LOCK });
    expect(endpoints?.object.metadata['annotations']).toEqual({
      [LEADER_ANNOTATION]: JSON.stringify({ ...record, holderIdentity: '' }),
      kept: 'yes',
    });
  });

  it('is not taken when it was renewed since it was judged', async () => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', HOLDER, RENEWED);
    const [leader] = await readLeaders(LOCK, { store: world.objects, clock: world.clock }, signal);
    if (leader === undefined) throw new Error('no leader');
    world.plantLeader('kube-scheduler', HOLDER, '2026-11-22T12:00:01Z');
    const kind = createLeaseReleaseKind(async () => world.objects);
    await kind.apply(leaseRelease(LOCK, leader, world.access.source), undefined);
    expect((await lockOf(world))?.spec).toMatchObject({ holderIdentity: HOLDER });
  });

  it('that another candidate took in a race is left alone', async () => {
    const world = createWorld();
    world.plantLeader('kube-scheduler', HOLDER, RENEWED);
    const [leader] = await readLeaders(LOCK, { store: world.objects, clock: world.clock }, signal);
    if (leader === undefined) throw new Error('no leader');
    let isTaken = false;
    const raced = createLeaseReleaseKind(async () => ({
      ...world.objects,
      get: async (...request) => {
        const read = await world.objects.get(...request);
        if (!isTaken) world.plantLeader('kube-scheduler', 'cp1_new', '2026-11-22T12:00:01Z');
        isTaken = true;
        return read;
      },
    }));
    await raced.apply(leaseRelease(LOCK, leader, world.access.source), undefined);
    expect((await lockOf(world))?.spec).toMatchObject({ holderIdentity: 'cp1_new' });
  });
});
