import type { NetworkInput } from '@kube-rescue/cni-bootstrap';
import { describeNode, type NodeDeps, type NodeOptions } from './node-description.ts';
import { findNodeName } from './node-name.ts';

/**
 * What the network of this node is looked for by: the name of its Node and its kubelet's flags. Works with everything dead.
 * @throws as `describeNode`
 */
export async function findNetworkOfNode(options: NodeOptions, deps: NodeDeps): Promise<NetworkInput> {
  const node = await describeNode(options, deps);
  const { flags, source } = node.kubelet.component;
  return { nodeName: await findNodeName(node, deps), kubelet: { flags, source } };
}
