import { NodeError } from './errors.ts';
import { findPod, type NodeDescription } from './node-description.ts';

/**
 * Makes sure that a node has a layout that can be recovered: a kubeadm control plane with its own member of etcd, or a self-hosted
 * one.
 *
 * Does not count the control-plane nodes of a self-hosted cluster: that needs its objects.
 * @throws as {@link assertKubeadmNode}
 */
export function assertRecoverable(node: NodeDescription): void {
  if (node.layout === 'kubeadm') assertKubeadmNode(node);
  const [problem] = node.staticPods.problems;
  if (problem !== undefined) throw problem;
}

/** The components of a kubeadm control-plane node, in the order of their dependencies. */
export const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Makes sure that a node is the only one of a kubeadm control plane, with its own etcd.
 *
 * The first of several control-plane nodes has the files of a single one; only its flags can name the others.
 * @throws as {@link assertKubeadmNode}
 */
export function assertSingleKubeadmNode(node: NodeDescription): void {
  assertKubeadmNode(node);
  const members = flagOf(node, 'etcd', 'initial-cluster').split(',');
  if (members.length > 1)
    throw unsupported(`etcd has several members: ${members.join(', ')}`, node.staticPods.directory);
}

/**
 * Makes sure that a node is of a kubeadm control plane, with its own member of etcd; there may be other such nodes.
 * @throws NodeError `LAYOUT_UNKNOWN` `LAYOUT_UNSUPPORTED`; ManifestError of the first manifest that cannot be read
 */
export function assertKubeadmNode(node: NodeDescription): void {
  if (node.otherDistribution !== undefined) throw node.otherDistribution;
  const [problem] = node.staticPods.problems;
  if (problem !== undefined) throw problem;
  const { directory } = node.staticPods;
  if (isWorker(node)) {
    throw new NodeError({
      code: 'LAYOUT_UNKNOWN',
      message: 'this node is a worker: there is no control plane to recover',
      subject: directory,
      hint: 'run this on a control-plane node; then give this node a new kubelet.conf or join it again (`kubeadm token create --print-join-command` there)',
    });
  }
  if (findPod(node, 'kube-apiserver') === undefined) {
    throw new NodeError({
      code: 'LAYOUT_UNKNOWN',
      message: 'no static pod of an API server: not a kubeadm control-plane node',
      subject: directory,
      hint: 'run this on the control-plane node; only kubeadm and self-hosted control planes are supported so far',
    });
  }
  const servers = flagOf(node, 'kube-apiserver', 'etcd-servers').split(',');
  if (findPod(node, 'etcd') === undefined)
    throw unsupported(`etcd runs on another machine: ${servers.join(', ')}`, directory);
  if (servers.length > 1)
    throw unsupported(`the API server uses several etcd members: ${servers.join(', ')}`, directory);
  const missing = CONTROL_PLANE.filter((component) => findPod(node, component) === undefined);
  if (missing.length === 0) return;
  throw new NodeError({
    code: 'LAYOUT_UNKNOWN',
    message: `incomplete control plane: no manifest of ${missing.join(', ')}`,
    subject: directory,
    hint: 'recreate the manifests (`kubeadm init phase control-plane`), or restore them from a backup',
  });
}

/** Only the kubelet is configured here, and there is no kubeconfig of an administrator. */
export function isWorker({ components, adminKubeconfig, kubelet }: NodeDescription): boolean {
  return components.every(({ component }) => component === 'kubelet') && adminKubeconfig === kubelet.kubeconfig;
}

function flagOf(node: NodeDescription, name: string, flag: string): string {
  return node.components.find(({ component }) => component === name)?.flags.get(flag) ?? '';
}

function unsupported(reason: string, subject: string): NodeError {
  return new NodeError({
    code: 'LAYOUT_UNSUPPORTED',
    message: `unsupported layout: ${reason}; only a single control-plane node with its own etcd can be recovered`,
    subject,
    hint: 'nothing was changed; renew the certificates with `kube-rescue certs renew` on each node, then restart the control plane yourself',
  });
}
