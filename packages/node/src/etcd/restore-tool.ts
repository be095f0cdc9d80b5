import { findPod, type NodeDescription } from '../node-description.ts';

/**
 * The command that restores a snapshot, in words. `etcdutl` has it since etcd 3.5; `etcdctl snapshot` lost `restore` and `status`
 * in etcd 3.6 (etcd `etcdctl/ctlv3/command/snapshot_command.go`, `etcdutl/etcdutl/snapshot_command.go`).
 * @param version of etcd, such as `3.6.5`; `undefined` when it is not known
 */
export function nameRestoreCommand(version: string | undefined): string {
  const [, major, minor] = /^(\d+)\.(\d+)\b/.exec(version ?? '') ?? [];
  if (major === undefined) return '`etcdutl snapshot restore` (before etcd 3.5: `etcdctl snapshot restore`)';
  const hasEtcdutl = Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 5);
  return `\`${hasEtcdutl ? 'etcdutl' : 'etcdctl'} snapshot restore\``;
}

/** The version in the tag of etcd's image: 3.6.5 of `registry.k8s.io/etcd:3.6.5-0`; `undefined` without such a tag. */
export function findEtcdVersion(node: NodeDescription): string | undefined {
  return readImageVersion(findPod(node, 'etcd')?.main.image ?? '');
}

/** A digest may follow the tag, and a port may precede it. */
export function readImageVersion(image: string): string | undefined {
  return /:v?(\d+\.\d+\.\d+)[^/:@]*(?:@[^/]*)?$/.exec(image)?.[1];
}
