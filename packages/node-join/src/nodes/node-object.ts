import { fieldsAt, type KubernetesObject, listAt, textAt } from '@kube-rescue/cluster-objects';
import type { Taint } from './taint.ts';

/** A kubelet writes one line; the API server accepts 32 KiB. */
const LONGEST_REASON = 300;

/** The Ready condition of a Node. */
export interface NodeReadiness {
  /** `Missing`: no kubelet has ever reported. `Unknown`: the node controller has set it after missed heartbeats. */
  readonly status: 'True' | 'False' | 'Unknown' | 'Missing';
  /** Time of the last transition; RFC 3339. */
  readonly since: string | undefined;
  /** Time of the kubelet's last report, every 5 minutes or on a change. */
  readonly reportedAt: string | undefined;
  readonly reason: string | undefined;
}

/** The taints of a Node; invalid ones are ignored. */
export function taintsOf(node: KubernetesObject): readonly Taint[] {
  return listAt(node.spec, 'taints').flatMap(({ key, value, effect }) => {
    if (typeof key !== 'string' || typeof effect !== 'string') return [];
    return [{ key, ...(typeof value === 'string' ? { value } : {}), effect: effect as Taint['effect'] }];
  });
}

/** The labels of a Node. */
export function labelsOf(node: KubernetesObject): Readonly<Record<string, string>> {
  return node.metadata.labels ?? {};
}

export function readinessOf(node: KubernetesObject): NodeReadiness {
  const ready = listAt(node.status, 'conditions').find(({ type }) => type === 'Ready');
  const status = textAt(ready, 'status');
  return {
    status: status === 'True' || status === 'False' || status === 'Unknown' ? status : 'Missing',
    since: textAt(ready, 'lastTransitionTime') || undefined,
    reportedAt: textAt(ready, 'lastHeartbeatTime') || undefined,
    reason: (textAt(ready, 'message') || textAt(ready, 'reason'))?.slice(0, LONGEST_REASON) || undefined,
  };
}

/** The reported addresses and names of the Node. */
export function addressesOf(node: KubernetesObject): readonly { readonly type: string; readonly address: string }[] {
  return listAt(node.status, 'addresses').flatMap(({ type, address }) => {
    return typeof type === 'string' && typeof address === 'string' ? [{ type, address }] : [];
  });
}

/** For example `v1.20.15`. */
export function kubeletVersionOf(node: KubernetesObject): string | undefined {
  return textAt(fieldsAt(node.status, 'nodeInfo'), 'kubeletVersion') || undefined;
}
