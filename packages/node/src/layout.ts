import { NodeError } from './errors.ts';
import { findPod, type NodeDescription } from './node-description.ts';

/**
 * Makes sure that a node has a layout that can be recovered: a kubeadm control plane of one node with its own etcd, or a
 * self-hosted one.
 *
 * Says nothing about how many control-plane nodes a self-hosted cluster has: its objects tell that.
 * @throws as {@link assertSingleKubeadmNode}
 */
export function assertRecoverable(node: NodeDescription): void {
  if (node.layout === 'kubeadm') assertSingleKubeadmNode(node);
  const [problem] = node.staticPods.problems;
  if (problem !== undefined) throw problem;
}

/** What a kubeadm control-plane node runs, in the order in which they need each other. */
export const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Makes sure that a node has the layout that can be recovered: a kubeadm control plane of one node, with its own etcd.
 *
 * The first node of several looks like a single one on its disk; that is noticed only where its flags name others.
 * @throws NodeError `LAYOUT_UNKNOWN` `LAYOUT_UNSUPPORTED`; ManifestError of the first manifest that cannot be read
 */
export function assertSingleKubeadmNode(node: NodeDescription): void {
  const [problem] = node.staticPods.problems;
  if (problem !== undefined) throw problem;
  const { directory } = node.staticPods;
  if (findPod(node, 'kube-apiserver') === undefined) {
    throw new NodeError({
      code: 'LAYOUT_UNKNOWN',
      message: 'there is no static pod of an API server here, so this is not a kubeadm control-plane node',
      subject: directory,
      hint: 'run this on the control-plane node; other distributions than kubeadm and self-hosted ones are not supported yet',
    });
  }
  const servers = flagOf(node, 'kube-apiserver', 'etcd-servers').split(',');
  if (findPod(node, 'etcd') === undefined)
    throw unsupported(`etcd runs elsewhere, at ${servers.join(', ')}`, directory);
  if (servers.length > 1)
    throw unsupported(`the API server uses several etcd members: ${servers.join(', ')}`, directory);
  const members = flagOf(node, 'etcd', 'initial-cluster').split(',');
  if (members.length > 1) throw unsupported(`etcd has several members: ${members.join(', ')}`, directory);
  const missing = CONTROL_PLANE.filter((component) => findPod(node, component) === undefined);
  if (missing.length === 0) return;
  throw new NodeError({
    code: 'LAYOUT_UNKNOWN',
    message: `the control plane is not complete, there is no manifest of ${missing.join(', ')}`,
    subject: directory,
    hint: 'put the manifests back (`kubeadm init phase control-plane`), or from a backup',
  });
}

function flagOf(node: NodeDescription, name: string, flag: string): string {
  return node.components.find(({ component }) => component === name)?.flags.get(flag) ?? '';
}

function unsupported(reason: string, subject: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `only a single control-plane node with its own etcd can be recovered so far, and here ${reason}`,
    subject,
    hint: 'nothing was changed; renew the files alone with `kube-rescue certs renew`, node by node, and restart by hand',
  });
}
