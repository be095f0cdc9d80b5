import { joinPath } from '@kube-rescue/host';
import { createCluster } from '../../cluster/cluster.ts';
import type { ClusterScenario } from '../scenario.ts';
import { loseQuorum, lostMembers } from './lose-quorum.ts';
import { proveQuorumLost } from './prove-death.ts';
import { proveOneLeft } from './prove-life.ts';

/** Two of three control planes are gone for good; the third has its data, and etcd no majority. */
export const haQuorumLost: ClusterScenario = {
  what: 'two of three control planes are powered off for good',
  createCluster: async (input, deps) => {
    const cluster = await createCluster({ ...input, controlPlanes: 3 }, deps);
    // The one that joined last is left: the manifest of its etcd names all three.
    return { ...cluster, ...cluster.controlPlanes.at(-1) };
  },
  breakCluster: loseQuorum,
  proveDeath: proveQuorumLost,
  proveLife: (cluster, { since, recoverySince = since }, deps) => proveOneLeft(cluster, recoverySince, deps),
  recovery: {
    command: (cluster) => {
      const { binaries } = cluster;
      const without = lostMembers(cluster).map(({ node }) => node.name);
      const from = ['etcd', 'restore', '--from-data-dir', '/var/lib/etcd', '--without', without.join(',')];
      return [...from, '--etcdutl', joinPath(binaries, 'etcdutl'), '--yes'];
    },
    refused: (cluster) => {
      const [first] = lostMembers(cluster);
      const from = ['etcd', 'restore', '--from-data-dir', '/var/lib/etcd', '--yes'];
      return [
        { title: 'without a word of the other members', words: from, code: 'LAYOUT_UNSUPPORTED' },
        {
          title: 'while one of them is not named',
          words: [...from, '--without', first?.node.name ?? ''],
          code: 'ETCD_RESTORE_REFUSED',
        },
        {
          title: 'without the node itself',
          words: [...from, '--without', cluster.node.name],
          code: 'ETCD_RESTORE_REFUSED',
        },
      ];
    },
    takesSnapshot: false,
  },
};
