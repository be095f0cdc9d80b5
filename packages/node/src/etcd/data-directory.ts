import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { findFlag } from '@kube-rescue/node-config';
import type { NodeDescription } from '../node-description.ts';

/** The usual data directory of etcd, also of kubeadm. */
const USUAL = '/var/lib/etcd';

/** The data directory of this node's etcd on the host, by its flags. */
export function findDataDirectory({ components }: Pick<NodeDescription, 'components'>): HostPath {
  return hostPath(findFlag(components, { component: 'etcd', flag: 'data-dir' }) ?? USUAL);
}

/** The database in a data directory (etcd, `server/storage/datadir`). */
export function databaseOf(dataDirectory: HostPath): HostPath {
  return joinPath(dataDirectory, 'member/snap/db');
}
