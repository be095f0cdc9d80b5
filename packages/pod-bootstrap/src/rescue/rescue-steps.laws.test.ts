import {
  createObjectChangeKinds,
  type ObjectStore,
  RESOURCE_KINDS,
  type StoredObject,
} from '@kube-rescue/cluster-objects';
import type { Host } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, type FakeObjectStore, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { createWorld, READY, SCHEDULER } from './control-plane.fixture.ts';
import { type ControllerName, describeController } from '../controllers/pod-controller.ts';
import { RESCUE_OF } from './rescue-pod.ts';
import { createRescueRemovalStep } from './rescue-removal-step.ts';
import { createRescueStep, type RescueStepDeps } from './rescue-step.ts';

const controller: ControllerName = { kind: 'Deployment', namespace: 'kube-system', name: 'kube-scheduler' };
const INPUT = { controller, node: 'cp1', timeoutMs: 5_000 };
const clock = createFixedClock('2026-11-22T12:00:00Z');

/** A kubelet: a pod of its node is running when it is read. */
function withKubelet(store: ObjectStore): ObjectStore {
  const run = (read: StoredObject): StoredObject =>
    read.kind.kind === 'Pod' && !('status' in read.object)
      ? { ...read, object: { ...read.object, status: READY } }
      : read;
  return {
    ...store,
    get: async (...input) => {
      const read = await store.get(...input);
      return read && run(read);
    },
    async *list(...input) {
      for await (const read of store.list(...input)) yield run(read);
    },
  };
}

function podLaws(
  title: string,
  plant: (store: FakeObjectStore) => void,
  stepsOf: (deps: RescueStepDeps) => readonly Step[],
): void {
  stepLaws(title, () => {
    const machines = createObjectMachines(plant);
    const storeOf = (host: Host): ObjectStore => withKubelet(machines.objectsOf(host));
    return {
      ...machines,
      makePlaybook: (host) => {
        const access = { source: { via: 'api' as const, search: null }, open: async () => storeOf(host) };
        const steps = async () => stepsOf({ access, host, clock });
        return { id: 'pods', title: 'pods', phases: [{ id: 'pods', title: 'pods', steps }] };
      },
      makeKinds: (host) => createObjectChangeKinds(async () => storeOf(host)),
      clock,
      directories: [],
    };
  });
}

function plantScheduler(objects: FakeObjectStore): void {
  const world = createWorld({ objects });
  world.plant('Deployment', SCHEDULER);
  world.plantLeader('kube-scheduler', 'kube-scheduler-rescue_1');
}

podLaws('creation of a rescue pod', plantScheduler, (deps) => [createRescueStep(INPUT, deps)]);

podLaws(
  'removal of a rescue pod once the real one runs',
  (objects) => {
    const world = createWorld({ objects });
    const deployment = world.plant('Deployment', SCHEDULER);
    world.plantReplica(deployment, { name: 'kube-scheduler-a', node: 'cp1' });
    world.plantLeader('kube-scheduler', 'kube-scheduler-a_1');
    objects.plant(RESOURCE_KINDS.Pod, {
      metadata: {
        name: 'kube-scheduler-rescue',
        namespace: 'kube-system',
        annotations: { [RESCUE_OF]: describeController(controller) },
      },
      spec: { nodeName: 'cp1', containers: [{ name: 'kube-scheduler', command: ['kube-scheduler'] }] },
    });
  },
  (deps) => [createRescueRemovalStep(INPUT, deps)],
);
