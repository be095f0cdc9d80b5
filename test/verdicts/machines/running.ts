import { LEAF_NAMES } from '@kube-rescue/testing';
import { liveNode, type Machine, pkiOf } from '../machine.ts';

/** Machines that run: services and processes are asked. */
export const RUNNING: readonly Machine[] = [
  {
    title: 'The control plane is down, and nothing has expired',
    broken: 'The kubelet was stopped; no container runs.',
    build: async () => liveNode((await pkiOf()).tree, { services: { kubelet: 'stopped' } }),
  },
  {
    title: 'The control plane is down, and everything has expired',
    broken: 'The machine restarted after its certificates had expired.',
    build: async () => liveNode((await pkiOf({ expired: LEAF_NAMES })).tree, { services: { kubelet: 'stopped' } }),
  },
];
