import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import type { Taint } from './taint.ts';

/** The Ready condition of a Node, as its kubelet or the node controller last wrote it. */
export interface NodeReadiness {
  /** `Missing`: no kubelet has ever reported. `Unknown`: the node controller has not heard of it for a while. */
  readonly status: 'True' | 'False' | 'Unknown' | 'Missing';
  /** When it became so; RFC 3339. */
  readonly since: string | undefined;
  /** When the kubelet last reported it; every 5 minutes, or on a change. */
  readonly reportedAt: string | undefined;
  readonly reason: string | undefined;
}

/** Everything below reads what anybody may have written, so nothing is taken for what it should be. */
type Fields = Readonly<Record<string, unknown>>;

/** The taints of a Node. What is not a taint is left out. */
export function taintsOf(node: KubernetesObject): readonly Taint[] {
  return listOf(fieldsOf(node.spec).taints).flatMap((each) => {
    const { key, value, effect } = fieldsOf(each);
    if (typeof key !== 'string' || typeof effect !== 'string') return [];
    return [{ key, ...(typeof value === 'string' ? { value } : {}), effect: effect as Taint['effect'] }];
  });
}

/** The labels of a Node. */
export function labelsOf(node: KubernetesObject): Readonly<Record<string, string>> {
  return node.metadata.labels ?? {};
}

export function readinessOf(node: KubernetesObject): NodeReadiness {
  const conditions = listOf(fieldsOf(node.status).conditions).map(fieldsOf);
  const ready = conditions.find(({ type }) => type === 'Ready');
  const status = textOf(ready?.status);
  return {
    status: status === 'True' || status === 'False' || status === 'Unknown' ? status : 'Missing',
    since: textOf(ready?.lastTransitionTime),
    reportedAt: textOf(ready?.lastHeartbeatTime),
    reason: textOf(ready?.message) ?? textOf(ready?.reason),
  };
}

/** Addresses and names under which the Node says it is known. */
export function addressesOf(node: KubernetesObject): readonly { readonly type: string; readonly address: string }[] {
  return listOf(fieldsOf(node.status).addresses).flatMap((each) => {
    const { type, address } = fieldsOf(each);
    return typeof type === 'string' && typeof address === 'string' ? [{ type, address }] : [];
  });
}

/** For example `v1.20.15`. */
export function kubeletVersionOf(node: KubernetesObject): string | undefined {
  return textOf(fieldsOf(fieldsOf(node.status).nodeInfo).kubeletVersion);
}

/** A value as an object; an empty one when it is none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
