import { isRecoveryError } from '@kube-rescue/errors';
import { type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { findFlag } from '@kube-rescue/node-config';
import type { NodeDescription } from '@kube-rescue/node';
import type { Finding } from './cause.ts';
import { FREE_SPACE } from './failures/failure-reason.ts';

/** Below it, nearly every write fails. */
const LEAST_BYTES = 1024 * 1024;
/** etcd allocates a whole segment of its log when it starts: etcd, `server/storage/wal/wal.go`, SegmentSizeBytes. */
const ETCD_BYTES = 64 * 1000 * 1000;

/**
 * Filesystems without space for what is down on this node: the kubelet's directory, etcd's data, logs. Only for a node with something
 * down: what root keeps in reserve counts as used, so that a component may run on a full disk.
 */
export async function findFullDisks(
  { components }: Pick<NodeDescription, 'components'>,
  { host }: { readonly host: Pick<Host, 'freeBytes' | 'stat'> },
): Promise<readonly Finding[]> {
  const etcd = findFlag(components, { component: 'etcd', flag: 'data-dir' });
  const kubelet = findFlag(components, { component: 'kubelet', flag: 'root-dir' }) ?? '/var/lib/kubelet';
  const needs: readonly (readonly [path: HostPath, bytes: number])[] = [
    ...(etcd?.startsWith('/') ? [[hostPath(etcd), ETCD_BYTES] as const] : []),
    ...[kubelet, '/var/lib/containerd', '/var/log'].map((path) => [hostPath(path), LEAST_BYTES] as const),
  ];
  const lines = await Promise.all(
    needs.map(async ([path, least]) => {
      const free = await readFreeBytes(path, host);
      return free !== undefined && free < least ? `${path}: ${free} bytes free` : undefined;
    }),
  );
  const evidence = lines.filter((line) => line !== undefined);
  if (evidence.length === 0) return [];
  return [
    {
      code: 'DISK_FULL',
      summary: 'a disk of this node is full: what needs to write there does not start',
      evidence,
      hint: FREE_SPACE,
    },
  ];
}

async function readFreeBytes(path: HostPath, host: Pick<Host, 'freeBytes' | 'stat'>): Promise<number | undefined> {
  try {
    return (await host.stat(path)) === undefined ? undefined : await host.freeBytes(path);
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
