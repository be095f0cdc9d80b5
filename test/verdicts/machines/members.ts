import { LEAF_NAMES } from '@kube-rescue/testing';
import { liveNode, type Machine, pkiOf } from '../machine.ts';

const MEMBERS = ['11', '12', '13'].map((last, index) => ({
  id: `8e9e05c52164694${index}`,
  name: `node0${index + 1}`,
  peerUrls: [`https://10.9.0.${last}:2380`],
  clientUrls: [`https://10.9.0.${last}:2379`],
  isLearner: false,
  isThisNode: index === 0,
  accepts: index === 0,
  validTo: null,
  lacks: index === 0 ? [] : [`does not answer on https://10.9.0.${last}:2380`],
}));
const LIST = { url: 'https://10.9.0.11:2380', members: MEMBERS };

const EXPIRED = 'its peer certificate expired on 2026-11-21 12:00:00 UTC';

/** The kubelet runs, and etcd in its container. */
const PROCESSES = [
  { pid: 9, argv: ['/usr/bin/kubelet'], startTicks: 90_000, cgroup: '0::/system.slice/kubelet.service\n' },
  {
    pid: 10,
    argv: ['etcd'],
    startTicks: 90_000,
    cgroup: `0::/kubepods/burstable/podd743502647cf77a102b6cbccf0f334c0/${'0'.repeat(64)}\n`,
  },
];

/** One of three control-plane nodes: the peer port of etcd lists the members. */
export const MEMBERS_OF_ETCD: readonly Machine[] = [
  {
    title: 'etcd waits for a majority',
    broken: 'One of three control-plane nodes has restarted after a power cut; the other two are off.',
    build: async () => {
      const node = liveNode((await pkiOf()).tree, { services: { kubelet: 'running' }, processes: () => PROCESSES });
      return { ...node, etcdPeers: async () => LIST };
    },
  },
  {
    title: 'Three control-plane nodes, everything has expired',
    broken: 'The members of etcd refuse each other; each node has its own expired certificates.',
    build: async () => {
      const node = liveNode((await pkiOf({ expired: LEAF_NAMES })).tree, {
        services: { kubelet: 'running' },
        processes: () => PROCESSES,
      });
      return {
        ...node,
        etcdPeers: async () => ({
          ...LIST,
          members: MEMBERS.map((member) => ({ ...member, accepts: true, lacks: [EXPIRED] })),
        }),
      };
    },
  },
];
