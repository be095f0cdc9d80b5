import { joinPath } from '@kube-rescue/host';
import { createCluster } from '../../cluster/cluster.ts';
import type { ClusterScenario } from '../scenario.ts';
import { breakData, SNAPSHOT } from './break-data.ts';
import { proveDataLost, proveRestored } from './prove-restore.ts';

/** The only etcd of a kubeadm cluster has lost its data, and there is a snapshot. */
export const etcdRestore: ClusterScenario = {
  what: 'the data directory of etcd is damaged, after a snapshot was taken',
  createCluster,
  breakCluster: breakData,
  proveDeath: proveDataLost,
  proveLife: (cluster, _input, deps) => proveRestored(cluster, deps),
  recovery: {
    command: ({ release, binaries }) => {
      // Debian's etcdctl is that of the node's etcd and in PATH; a newer etcd has a program of its own for it.
      const tool = release.etcdVersion === undefined ? [] : ['--etcdutl', joinPath(binaries, 'etcdutl')];
      return ['etcd', 'restore', '--from', SNAPSHOT, ...tool, '--yes'];
    },
    takesSnapshot: false,
  },
};
