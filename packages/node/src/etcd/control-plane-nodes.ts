import { isRecoveryError } from '@kube-rescue/errors';
import { parseYamlDocuments, readWithoutAliases } from '@kube-rescue/node-config';
import type { Node } from '../node.ts';
import type { EtcdSearch } from './etcd-connection.ts';

/** Control-plane nodes as the objects in etcd name them. None of them counts as a member: an object may be of a node that is gone. */
export interface ControlPlaneNodes {
  /** Node objects with the label of a control plane. */
  readonly nodes: readonly string[];
  /** `ClusterStatus` of the ConfigMap kubeadm-config, which kubeadm kept until 1.21; empty without one. */
  readonly clusterStatus: readonly string[];
}

/** The second until Kubernetes 1.24. */
const LABELS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/**
 * Reads the control-plane nodes from the objects in etcd, also without an API server and without a majority (then possibly outdated).
 * `undefined` where the objects cannot be read.
 * @throws nothing but the abort of `signal`
 */
export async function readControlPlaneNodes(
  node: Pick<Node, 'openObjects'>,
  search: EtcdSearch,
  signal: AbortSignal,
): Promise<ControlPlaneNodes | undefined> {
  try {
    const { fieldsAt, RESOURCE_KINDS, textAt } = await import('@kube-rescue/cluster-objects');
    const objects = await node.openObjects({ via: 'etcd', search }, signal);
    try {
      const nodes: string[] = [];
      for await (const { object } of objects.store.list(RESOURCE_KINDS.Node, { signal })) {
        const labels = fieldsAt(object, 'metadata', 'labels');
        if (LABELS.some((label) => label in labels)) nodes.push(object.metadata.name);
      }
      const reference = { kind: RESOURCE_KINDS.ConfigMap, namespace: 'kube-system', name: 'kubeadm-config' };
      const configuration = await objects.store.get(reference, { signal });
      const status = configuration && textAt(fieldsAt(configuration.object, 'data'), 'ClusterStatus');
      const endpoints = status === undefined ? {} : fieldsAt(parseStatus(status), 'apiEndpoints');
      return { nodes: nodes.toSorted(), clusterStatus: Object.keys(endpoints).toSorted() };
    } finally {
      await objects.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}

function parseStatus(text: string): unknown {
  const [document] = parseYamlDocuments(text);
  return document === undefined || document.errors.length > 0 ? undefined : readWithoutAliases(document);
}
