import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Finding, Step } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import {
  CONTROLLER_MANAGER,
  COREDNS,
  createWorld,
  DATABASE,
  PROXY,
  READY,
  SCHEDULER,
  type World,
  type WorldOptions,
} from './control-plane.fixture.ts';
import type { ControllerName } from '../controllers/pod-controller.ts';
import { createRescueRemovalStep } from './rescue-removal-step.ts';
import { createRescueStep } from './rescue-step.ts';

const SCHEDULER_NAME: ControllerName = { kind: 'Deployment', namespace: 'kube-system', name: 'kube-scheduler' };
const DNS_NAME: ControllerName = { ...SCHEDULER_NAME, name: 'coredns' };
const signal = new AbortController().signal;

/** A kubelet on which a scheduler becomes the leader. */
const LEADING: WorldOptions = {
  become: ({ metadata }, { plantLeader }) => {
    plantLeader('kube-scheduler', `${metadata.name}_3f2c`);
    return READY;
  },
};

function rescue(world: World, controller = SCHEDULER_NAME, node = 'cp1'): Step {
  return createRescueStep({ controller, node, timeoutMs: 30_000 }, world);
}

function release(world: World, controller = SCHEDULER_NAME): Step {
  return createRescueRemovalStep({ controller, node: 'cp1', timeoutMs: 30_000 }, world);
}

describe('a rescue pod of kube-scheduler', () => {
  it('is made from its Deployment and holds the leader lock', async () => {
    const world = createWorld(LEADING);
    world.plant('Deployment', SCHEDULER);
    const { outcome } = await world.run(rescue(world));
    expect(outcome).toBe('done');
    const [pod] = await world.pods();
    expect(pod).toMatchObject({ metadata: { name: 'kube-scheduler-rescue' }, spec: { nodeName: 'cp1' } });
    expect((await world.run(rescue(world))).outcome).toBe('nothing-to-do');
    expect(await world.pods()).toHaveLength(1);
  });

  it('does not work before it holds the lock, and the run rolls it back', async () => {
    const world = createWorld();
    world.plant('Deployment', SCHEDULER);
    world.plantLeader('kube-scheduler', 'kube-scheduler-dead_1', '2026-11-22T09:00:00Z');
    await expect(world.run(rescue(world))).rejects.toMatchObject({ code: 'APPLY_ROLLED_BACK' });
    expect(await world.pods()).toEqual([]);
  });

  it('is removed by a rollback of the run', async () => {
    const world = createWorld(LEADING);
    world.plant('Deployment', SCHEDULER);
    const { runId } = await world.run(rescue(world));
    expect((await world.rollback(runId ?? '')).notReverted).toEqual([]);
    expect(await world.pods()).toEqual([]);
  });

  it('is not made when one of two replicas holds the lock', async () => {
    const world = createWorld();
    const deployment = world.plant('Deployment', SCHEDULER);
    world.plantReplica(deployment, { name: 'kube-scheduler-a', node: 'cp1' });
    world.plantReplica(deployment, { name: 'kube-scheduler-b', node: 'cp1' });
    world.plantLeader('kube-scheduler', 'kube-scheduler-b_77');
    const finding = await rescue(world).check(signal);
    expect(finding).toMatchObject({
      status: 'ok',
      summary: 'kube-system/kube-scheduler-b on cp1 works: no rescue pod is needed',
    });
  });

  it('is made when the only Ready pod is on a node without heartbeat', async () => {
    const world = createWorld(LEADING);
    world.plantNode('node02', { silent: true });
    world.plantReplica(world.plant('Deployment', SCHEDULER), { name: 'kube-scheduler-a', node: 'node02' });
    const finding = await rescue(world).check(signal);
    expect(finding).toMatchObject({ status: 'needed', changes: [{ kind: 'object.create' }] });
    expect(finding.evidence).toContain(
      'pod kube-scheduler-a is Running on node02, which does not run it at the moment',
    );
  });

  it('is not made when a regular pod is bound to a node with a fresh heartbeat', async () => {
    const world = createWorld();
    world.plantReplica(world.plant('Deployment', SCHEDULER), { name: 'kube-scheduler-a', node: 'cp1', ready: false });
    expect(await rescue(world).check(signal)).toMatchObject({ status: 'needed', changes: [] });
  });

  describe('beside a regular pod that runs since before the CA was published', () => {
    const publishedAt = (): Date => new Date('2026-11-22T12:30:00Z');
    const TOKEN = { name: 'default-token', secret: { secretName: 'default-token-x' } };
    const withToken = (own: object = {}): typeof SCHEDULER => {
      const spec = SCHEDULER['spec'] as { template: { metadata: object; spec: object } };
      const template = { ...spec.template, spec: { ...spec.template.spec, volumes: [TOKEN], ...own } };
      return { ...SCHEDULER, spec: { ...spec, template } };
    };
    const plant = (world: World, own?: object): void => {
      const metadata = { name: 'default-token-x', namespace: 'kube-system' };
      world.objects.plant(RESOURCE_KINDS.Secret, { metadata, type: 'kubernetes.io/service-account-token' });
      world.plantReplica(world.plant('Deployment', withToken(own)), { name: 'kube-scheduler-a', node: 'cp1' });
      world.plantLeader('kube-scheduler', 'kube-scheduler-dead_1', '2026-11-22T09:00:00Z');
    };
    const step = (world: World, given: { publishedAt?: () => Date | undefined } = { publishedAt }): Step =>
      createRescueStep({ controller: SCHEDULER_NAME, node: 'cp1', timeoutMs: 30_000, ...given }, world);

    it('is made at once, and leads; the pod is left for its controller to replace', async () => {
      const world = createWorld(LEADING);
      plant(world);
      const finding = await step(world).check(signal);
      expect(finding).toMatchObject({ status: 'needed', changes: [{ kind: 'object.create' }] });
      expect(finding.evidence).toContain(
        'kube-system/kube-scheduler-a started before the current CA was published, and holds the old one',
      );
      expect((await world.run(step(world))).outcome).toBe('done');
      expect((await world.pods()).map(({ metadata }) => metadata.name)).toEqual([
        'kube-scheduler-a',
        'kube-scheduler-rescue',
      ]);
    });

    it('replaces one on the network of the node, whose ports it needs; the rollback restores it', async () => {
      const world = createWorld({
        become: (pod, { plantLeader }) => {
          plantLeader('kube-scheduler', 'cp1_3f2c');
          return { ...READY, podIP: pod.metadata.name };
        },
      });
      plant(world, { hostNetwork: true });
      const names = async () => (await world.pods()).map(({ metadata }) => metadata.name);
      const { outcome, runId } = await world.run(step(world));
      expect([outcome, await names()]).toEqual(['done', ['kube-scheduler-rescue']]);
      expect((await world.rollback(runId ?? '')).notReverted).toEqual([]);
      expect(await names()).toEqual(['kube-scheduler-a']);
    });

    it('is made beside one whose container is started again only minutes later', async () => {
      const world = createWorld(LEADING);
      plant(world);
      const [pod] = await world.pods();
      const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } };
      const status = { phase: 'Running', containerStatuses: [{ name: 'main', ready: false, restartCount: 9, state }] };
      world.objects.plant(RESOURCE_KINDS.Pod, {
        ...pod,
        metadata: { ...pod?.metadata, name: 'kube-scheduler-a' },
        status,
      });
      const finding = await step(world, {}).check(signal);
      expect(finding).toMatchObject({ status: 'needed', changes: [{ kind: 'object.create' }] });
      expect(finding.evidence).toContain(
        'kube-system/kube-scheduler-a waits up to five minutes before main is started again',
      );
    });

    it('is not made beside one of a DaemonSet, whose controller would create another', async () => {
      const world = createWorld(LEADING);
      const set = world.plant('DaemonSet', PROXY);
      const { name, namespace = '', uid = '' } = set.object.metadata;
      const spec = (set.object.spec as { template: { spec: object } }).template.spec;
      const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } };
      world.objects.plant(RESOURCE_KINDS.Pod, {
        metadata: {
          name: `${name}-a`,
          namespace,
          labels: { 'k8s-app': name },
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true }],
        },
        spec: { ...spec, nodeName: 'cp1' },
        status: {
          phase: 'Running',
          containerStatuses: [{ name, ready: false, restartCount: 9, state }],
        },
      });
      const controller = { kind: 'DaemonSet', namespace, name } as const;
      const given = { controller, node: 'cp1', timeoutMs: 30_000, publishedAt };
      const finding = await createRescueStep(given, world).check(signal);
      expect(finding).toMatchObject({ status: 'needed', changes: [] });
      expect(finding.summary).toContain(`${name}-a`);
    });

    it.each([
      ['that works', {}, '2026-11-22T23:00:00Z', { status: 'ok' }],
      ['while no CA was published', { publishedAt: () => undefined }, undefined, { status: 'needed', changes: [] }],
      ['that started later', { publishedAt: () => new Date('2026-11-22T11:00:00Z') }, undefined, { changes: [] }],
    ])('is not made for one %s', async (_, given, renewed, expected) => {
      const world = createWorld();
      plant(world);
      if (renewed !== undefined) world.plantLeader('kube-scheduler', 'kube-scheduler-a_77', renewed);
      expect(await step(world, 'publishedAt' in given ? given : undefined).check(signal)).toMatchObject(expected);
    });
  });

  it('replaces an ended one of an earlier run', async () => {
    let turn = 0;
    const world = createWorld({
      become: (pod, given) => {
        turn += 1;
        return turn === 1 ? { phase: 'Failed', reason: 'NodePorts' } : (LEADING.become?.(pod, given) ?? READY);
      },
    });
    world.plant('Deployment', SCHEDULER);
    const step = rescue(world);
    const finding = await step.check(signal);
    // A run that was killed before it noticed the failure.
    await step.apply(
      step.plan(finding),
      {
        perform: async (edits) => {
          for (const { material } of edits)
            await (await world.access.open(signal)).create(
              RESOURCE_KINDS.Pod,
              JSON.parse(Buffer.from(material ?? []).toString()),
            );
        },
        waitingFor: () => undefined,
      },
      signal,
    );
    expect(await rescue(world).check(signal)).toMatchObject({
      changes: [{ kind: 'object.delete' }, { kind: 'object.create' }],
    });
    expect((await world.run(rescue(world))).outcome).toBe('done');
    expect(await world.pods()).toHaveLength(1);
  });

  it('is not made for a Deployment with 0 replicas', async () => {
    const world = createWorld();
    world.plant('Deployment', { ...SCHEDULER, spec: { ...(SCHEDULER['spec'] as object), replicas: 0 } });
    expect(await rescue(world).check(signal)).toMatchObject({ status: 'ok' });
  });
});

describe('a rescue pod of the DNS server', () => {
  it('works when it answers over UDP with the Service address, in the domain of its Corefile', async () => {
    const asked: string[] = [];
    const world = createWorld({
      resolveDns: ({ name, server }) => {
        asked.push(`${name} of ${server?.address ?? ''}:${server?.port ?? ''}`);
        const value = asked.length < 3 ? '10.9.9.9' : '10.3.0.1';
        const records = [{ name, type: 'A', ttl: 5, value }];
        return { status: 'found', code: 'NOERROR', authoritative: true, records, authoritySection: [], server: 'x' };
      },
    });
    world.plant('Deployment', COREDNS);
    expect((await world.run(rescue(world, DNS_NAME))).outcome).toBe('done');
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(new Set(asked)).toEqual(new Set(['kubernetes.default.svc.cluster.example of 10.2.0.9:53']));
  });

  it('does not work when it does not answer', async () => {
    const world = createWorld();
    world.plant('Deployment', COREDNS);
    await expect(world.run(rescue(world, DNS_NAME))).rejects.toMatchObject({ code: 'APPLY_ROLLED_BACK' });
  });
});

describe('the removal of a rescue pod', () => {
  it('waits for a Ready pod of the controller, which then holds the lock', async () => {
    const world = createWorld(LEADING);
    const deployment = world.plant('Deployment', SCHEDULER);
    await world.run(rescue(world));
    world.plantReplica(deployment, { name: 'kube-scheduler-a', node: 'cp1' });
    const store = await world.access.open(signal);
    const taking = {
      ...store,
      delete: async (...input: Parameters<typeof store.delete>) => {
        await store.delete(...input);
        world.plantLeader('kube-scheduler', 'kube-scheduler-a_9');
      },
    };
    const moving: World = { ...world, access: { ...world.access, open: async () => taking } };
    const step = release(moving);
    const finding = await step.check(signal);
    await step.apply(
      step.plan(finding),
      {
        perform: async () => {
          const read = await taking.get({
            kind: RESOURCE_KINDS.Pod,
            namespace: 'kube-system',
            name: 'kube-scheduler-rescue',
          });
          if (read !== undefined) await taking.delete(read);
        },
        waitingFor: () => undefined,
      },
      signal,
    );
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    expect((await world.pods()).map(({ metadata }) => metadata.name)).toEqual(['kube-scheduler-a']);
    expect((await world.run(release(world))).outcome).toBe('nothing-to-do');
  });

  it('takes the lock from the removed pod, and leaves one of a pod with the same host name', async () => {
    for (const [hostNetwork, isTaken] of [
      [false, true],
      [true, false],
    ] as const) {
      let hasLed = false;
      const world = createWorld({
        become: ({ metadata }, { plantLeader }) => {
          if (!hasLed) plantLeader('kube-scheduler', hostNetwork ? 'cp1_3f2c' : `${metadata.name}_3f2c`);
          hasLed = true;
          return READY;
        },
      });
      const template = SCHEDULER['spec'] as { readonly template: { readonly spec: object } };
      const spec = {
        ...template,
        template: { ...template.template, spec: { ...template.template.spec, hostNetwork } },
      };
      const deployment = world.plant('Deployment', { ...SCHEDULER, spec });
      await world.run(rescue(world));
      world.plantReplica(deployment, { name: 'kube-scheduler-a', node: 'cp1' });
      // No process of this world takes the lock, so the step is not verified.
      await world.run(release(world)).catch(() => undefined);
      const lock = { kind: RESOURCE_KINDS.Lease, namespace: 'kube-system', name: 'kube-scheduler' };
      const holder = (await world.objects.get(lock))?.object.spec as { holderIdentity?: string };
      expect(holder.holderIdentity === undefined).toBe(isTaken);
    }
  });

  it('fails while no other pod can take over', async () => {
    const world = createWorld(LEADING);
    world.plant('Deployment', SCHEDULER);
    await world.run(rescue(world));
    await expect(world.run(release(world))).rejects.toMatchObject({
      code: 'APPLY_ROLLED_BACK',
      cause: { code: 'POD_STILL_NEEDED' },
    });
    expect(await world.pods()).toHaveLength(1);
  });

  it('is blocked while the node has no heartbeat', async () => {
    const world = createWorld(LEADING);
    world.plant('Deployment', SCHEDULER);
    await world.run(rescue(world));
    world.plantNode('cp1', { silent: true });
    expect(await release(world).check(signal)).toMatchObject({ status: 'blocked', code: 'POD_NODE_NOT_REPORTING' });
  });
});

type BadInput = readonly [title: string, code: string, prepare: (world: World) => Step];

const BAD_INPUT: readonly BadInput[] = [
  ['the Deployment is missing', 'POD_CONTROLLER_NOT_FOUND', (world) => rescue(world)],
  [
    'its template has no container',
    'POD_TEMPLATE_INVALID',
    (world) => {
      world.plant('Deployment', { metadata: { name: 'kube-scheduler', namespace: 'kube-system' }, spec: {} });
      return rescue(world);
    },
  ],
  [
    'the node is not registered',
    'POD_NODE_NOT_FOUND',
    (world) => {
      world.plant('Deployment', SCHEDULER);
      return rescue(world, SCHEDULER_NAME, 'cp9');
    },
  ],
  [
    'the node is not heard',
    'POD_NODE_NOT_REPORTING',
    (world) => {
      world.plant('Deployment', SCHEDULER);
      world.plantNode('node02', { silent: true });
      return rescue(world, SCHEDULER_NAME, 'node02');
    },
  ],
  [
    'the node has no pod network',
    'POD_NETWORK_NOT_READY',
    (world) => {
      world.plant('Deployment', SCHEDULER);
      world.plantNode('cp1', { message: 'container runtime network not ready: cni config uninitialized' });
      return rescue(world);
    },
  ],
  [
    'another pod holds its port of the node',
    'POD_PORT_TAKEN',
    (world) => {
      world.plant('DaemonSet', PROXY);
      const containers = [{ name: 'x', ports: [{ containerPort: 10256, hostPort: 10256 }] }];
      world.objects.plant(RESOURCE_KINDS.Pod, {
        metadata: { name: 'x', namespace: 'default' },
        spec: { nodeName: 'cp1', containers },
        status: READY,
      });
      return rescue(world, { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' });
    },
  ],
  [
    'its service account does not exist',
    'POD_SERVICE_ACCOUNT_MISSING',
    (world) => {
      const spec = SCHEDULER['spec'] as { template: { metadata: object; spec: object } };
      const template = { ...spec.template, spec: { ...spec.template.spec, serviceAccountName: 'gone' } };
      world.plant('Deployment', { ...SCHEDULER, spec: { ...spec, template } });
      return rescue(world);
    },
  ],
  [
    'it mounts a Secret that does not exist',
    'POD_VOLUME_MISSING',
    (world) => {
      const { metadata, spec } = CONTROLLER_MANAGER as { metadata: object; spec: { template: { spec: object } } };
      const volumes = [{ name: 's', secret: { secretName: 'gone' } }];
      const template = { ...spec.template, spec: { ...spec.template.spec, volumes } };
      world.plant('Deployment', { metadata, spec: { ...spec, template } });
      return rescue(world, { ...SCHEDULER_NAME, name: 'kube-controller-manager' });
    },
  ],
  [
    'the claim of a StatefulSet does not exist',
    'POD_CLAIM_MISSING',
    (world) => {
      world.plantStatefulSet(DATABASE);
      return rescue(world, { kind: 'StatefulSet', namespace: 'default', name: 'db' });
    },
  ],
  [
    'a foreign pod has its name',
    'POD_NAME_TAKEN',
    (world) => {
      world.plant('Deployment', SCHEDULER);
      world.objects.plant(RESOURCE_KINDS.Pod, {
        metadata: { name: 'kube-scheduler-rescue', namespace: 'kube-system' },
        spec: {},
      });
      return rescue(world);
    },
  ],
];

describe('no rescue pod is made when', () => {
  it.each(BAD_INPUT)('%s', async (_, code, prepare) => {
    const world = createWorld();
    const step = prepare(world);
    const finding: Finding = await step.check(signal);
    expect(finding).toMatchObject({ status: 'blocked', code });
    expect(finding.hint).toMatch(/\w/);
    expect(world.objects.writes).toBe(0);
  });

  it('the objects are read from etcd, without admission', async () => {
    const world = createWorld({ via: 'etcd' });
    world.plant('Deployment', SCHEDULER);
    expect(await rescue(world).check(signal)).toMatchObject({ status: 'blocked', code: 'POD_NEEDS_API_SERVER' });
  });
});

describe('a host-network pod', () => {
  it('is not the leader by a lock renewal of an earlier pod on the node', async () => {
    const world = createWorld();
    const spec = SCHEDULER['spec'] as { template: { metadata: object; spec: object } };
    const template = { ...spec.template, spec: { ...spec.template.spec, hostNetwork: true } };
    const deployment = world.plant('Deployment', { ...SCHEDULER, spec: { ...spec, template } });
    world.plantReplica(deployment, { name: 'kube-scheduler-a', node: 'cp1' });
    world.plantLeader('kube-scheduler', 'cp1_0c5e', '2026-11-22T11:59:55Z');
    expect(await rescue(world).check(signal)).toMatchObject({ status: 'needed', changes: [] });
    world.plantLeader('kube-scheduler', 'cp1_77aa', '2026-11-22T12:00:01Z');
    expect(await rescue(world).check(signal)).toMatchObject({ status: 'ok' });
  });
});
