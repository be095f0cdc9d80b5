import { LEAF_NAMES } from '@kube-rescue/testing';
import { crashingPod, failingKubelet } from '../../reports/broken-node.ts';
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
  {
    title: 'The kubelet does not start on cgroup v1',
    broken: 'Nothing has expired. The kubelet was updated to 1.35 on a machine that was started with cgroup v1.',
    build: () =>
      failingKubelet({
        version: '1.35.2',
        files: {
          '/sys/fs/cgroup/cgroup.controllers': undefined,
          '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        },
      }),
  },
  {
    title: 'The kubelet does not start with swap, nor with a flag of an older version',
    broken: 'Nothing has expired. The kubelet was updated from 1.34 to 1.37, and the machine has a swap file again.',
    build: () =>
      failingKubelet({
        version: '1.37.2',
        flags: '--pod-infra-container-image=registry.k8s.io/pause:3.10',
        files: {
          '/proc/swaps': 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swapfile file\t\t3991548\t\t0\t\t-2\n',
        },
      }),
  },
  {
    title: 'The kubelet does not start, for a reason of its own',
    broken: 'Nothing has expired. The reason is in the journal alone, and triage does not know it.',
    build: () =>
      failingKubelet({
        version: '1.37.2',
        journal: [
          'I1122 11:54:59.102400    5148 server.go:530] "Kubelet version" kubeletVersion="v1.37.2"',
          'E1122 11:55:00.852698    5148 run.go:72] "command failed" err="failed to run Kubelet: misconfiguration: kubelet cgroup driver: \\"systemd\\" is different from docker cgroup driver: \\"cgroupfs\\""',
        ],
      }),
  },
  {
    title: 'The API server crashes on a flag of an older version',
    broken: 'Nothing has expired. The manifest still has --cloud-provider, which 1.33 removed.',
    build: () =>
      crashingPod({
        component: 'kube-apiserver',
        flag: '--cloud-provider=external',
        log: ['Error: unknown flag: --cloud-provider'],
      }),
  },
  {
    title: 'etcd crashes on damaged data',
    broken: 'Nothing has expired. The machine lost its power while etcd wrote.',
    build: () =>
      crashingPod({
        component: 'etcd',
        log: ['panic: failed to recover v3 backend from snapshot', 'goroutine 1 [running]:'],
      }),
  },
];
