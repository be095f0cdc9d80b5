import { quorumWithout, type Voters } from '@kube-rescue/node';
import type { RestartNeed } from '@kube-rescue/static-manifests';

interface Needs {
  readonly pods: readonly RestartNeed[];
  readonly kubelet: string | undefined;
}

/**
 * Why the etcd of one of several control-plane nodes is not restarted now, although its files change; `undefined` when it may be.
 * Pure.
 *
 * A running etcd reads its certificate at each handshake (etcd, `client/pkg/transport/listener.go`), but the CAs that it trusts only
 * at its start. Without a majority nothing is lost by it: a snapshot was taken before, where the member still served one.
 */
export function whyEtcdStays(voters: Voters | undefined): string | undefined {
  if (voters === undefined || !voters.hasQuorum) return undefined;
  const after = quorumWithout(voters, 'restart');
  if (after.holds) return undefined;
  // Tolerated: nothing. The restarted member may find no majority that accepts it.
  return `etcd is not restarted, it reads new certificates at the next handshake, and a new CA at its next start: ${after.sum}`;
}

/** The needs without that of etcd, where it stays. Pure. */
export function withoutEtcd({ pods, kubelet }: Needs, why: string | undefined): Needs & { readonly kept?: string[] } {
  const isDue = pods.some(({ pod, reason }) => pod.component === 'etcd' && reason !== undefined);
  if (why === undefined || !isDue) return { pods, kubelet };
  return {
    pods: pods.map((need) => (need.pod.component === 'etcd' ? { ...need, reason: undefined } : need)),
    kubelet,
    kept: [why],
  };
}
