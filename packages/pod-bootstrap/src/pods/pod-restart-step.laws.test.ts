import { type ObjectAccess, RESOURCE_KINDS, type StoredObject } from '@kube-rescue/cluster-objects';
import type { Host } from '@kube-rescue/host';
import { createFixedClock, createObjectMachines, type FakeObjectStore, stepLaws } from '@kube-rescue/testing';
import { COREDNS, createWorld, READY } from '../rescue/control-plane.fixture.ts';
import { createPodRestartKind } from './pod-restart-kind.ts';
import { createPodRestartStep } from './pod-restart-step.ts';

const PUBLISHED = new Date('2026-11-22T12:30:00Z');
const TOKEN = { volumes: [{ name: 'token', secret: { secretName: 'default-token' } }] };

function withToken(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const spec = object['spec'] as { template: { metadata: object; spec: object } };
  return { ...object, spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, ...TOKEN } } } };
}

/** Two pods whose controller replaces a deleted pod at once. */
function plant(objects: FakeObjectStore): void {
  const world = createWorld({ objects });
  const type = 'kubernetes.io/service-account-token';
  objects.plant(RESOURCE_KINDS.Secret, { metadata: { name: 'default-token', namespace: 'kube-system' }, type });
  const deployment = world.plant('Deployment', withToken(COREDNS));
  for (const name of ['coredns-a', 'coredns-b']) world.plantReplica(deployment, { name, node: 'cp1' });
  const remove = objects.delete;
  const replace = async (read: StoredObject): Promise<void> => {
    await remove(read);
    const { metadata } = read.object;
    const state = { running: { startedAt: '2026-11-22T13:00:00Z' } };
    const status = { ...READY, containerStatuses: [{ name: 'main', state }] };
    objects.plant(RESOURCE_KINDS.Pod, {
      ...read.object,
      metadata: { ...metadata, name: `${metadata.name}-new` },
      status,
    });
  };
  Object.assign(objects, { delete: replace });
}

stepLaws('restart of pods', () => {
  const machines = createObjectMachines(plant);
  const clock = createFixedClock('2026-11-22T13:00:00Z');
  const accessOf = (host: Host): ObjectAccess => ({
    source: { via: 'api', search: null },
    open: async () => machines.objectsOf(host),
  });
  return {
    ...machines,
    makePlaybook: (host) => {
      const input = { publishedAt: PUBLISHED, timeoutMs: 10_000 };
      const steps = async () => [createPodRestartStep(input, { access: accessOf(host), clock })];
      return { id: 'pods', title: 'pods', phases: [{ id: 'pods', title: 'pods', steps }] };
    },
    makeKinds: (host) => [createPodRestartKind(async () => machines.objectsOf(host))],
    clock,
    directories: [],
    isIrreversible: true,
  };
});
