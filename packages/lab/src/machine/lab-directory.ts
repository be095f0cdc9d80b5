import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** The files of all labs, one directory for each, so that orphaned labs can be found. */
export const LAB_ROOT = hostPath('/var/lib/kube-rescue-lab');
/** Held while labs are listed, registered or removed. */
export const LAB_LOCK = hostPath('/run/kube-rescue-lab/lock');
/** The parent of every lab's control groups, in each hierarchy. */
export const CGROUP_PARENT = 'kube-rescue-lab';
export const CGROUP_ROOT = hostPath('/sys/fs/cgroup');
export const NETNS_DIRECTORY = hostPath('/run/netns');

const NETNS_NAME = /^kube-rescue-([0-9a-f]{6})-[a-z0-9]+$/;
const LAB_ID = /^[0-9a-f]{6}$/;

/** One node of a lab cluster: a network, a mount and a UTS namespace. */
export interface ClusterNode {
  /** Node name and host name. */
  readonly name: string;
  /** The IPv4 address; it exists only inside the lab's namespaces. */
  readonly address: string;
  /** The node's directory; its path is the same on the machine and on the node. */
  readonly directory: HostPath;
  readonly labId: string;
}

export function isLabId(text: string): boolean {
  return LAB_ID.test(text);
}

export function labDirectory(labId: string): HostPath {
  return joinPath(LAB_ROOT, labId);
}

export function netnsName(labId: string, name: string): string {
  return `kube-rescue-${labId}-${name}`;
}

/** The lab of a network namespace, or `undefined`. */
export function labIdOfNetns(name: string): string | undefined {
  return NETNS_NAME.exec(name)?.[1];
}

/** The bind mount that holds a namespace of `node` without a process. */
export function namespaceFile(node: ClusterNode, kind: 'mnt' | 'uts'): HostPath {
  return joinPath(node.directory, 'namespaces', kind);
}

/** The control group of a node, relative to the root of a hierarchy; without a leading slash. */
export function nodeCgroup(node: ClusterNode): string {
  return `${CGROUP_PARENT}/${node.labId}/${node.name}`;
}

/** The control group of the node's daemons, beside those of its pods. */
export function daemonCgroup(node: ClusterNode): string {
  return `${nodeCgroup(node)}/system`;
}

/** The path on the machine of a file of `node`; valid only below {@link NODE_MOUNTS}. */
export function nodeFile(node: ClusterNode, path: string): HostPath {
  return joinPath(node.directory, `files${path}`);
}

/** The directories that every node has for itself; the rest of the filesystem is shared with the machine. */
export const NODE_MOUNTS: readonly string[] = [
  '/etc/cni/net.d',
  '/etc/kubernetes',
  '/etc/ssl/etcd',
  '/etc/systemd/system',
  '/home/core',
  '/opt/cni/bin',
  '/usr/libexec/kubernetes',
  '/var/lib/cni',
  '/var/lib/containerd',
  '/var/lib/etcd',
  '/var/lib/kube-rescue',
  '/var/lib/kubelet',
  '/var/log/containers',
  '/var/log/pods',
];
