import { type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** Everything that labs keep on the machine lies here, one folder for each, so that leftovers can be found. */
export const LAB_ROOT = hostPath('/var/lib/kube-rescue-lab');
/** Taken while labs are listed, registered or unregistered. */
export const LAB_LOCK = hostPath('/run/lock/kube-rescue-lab');
/** The parent of every lab's control group, in each hierarchy. */
export const CGROUP_PARENT = 'kube-rescue-lab';
export const CGROUP_ROOT = hostPath('/sys/fs/cgroup');
export const NETNS_FOLDER = hostPath('/run/netns');

const NETNS_NAME = /^kube-rescue-([0-9a-f]{6})-[a-z0-9]+$/;
const LAB_ID = /^[0-9a-f]{6}$/;

/** One machine of a lab cluster: an own network, mount and UTS namespace. */
export interface ClusterNode {
  /** Also its host name and the name of its Node object. */
  readonly name: string;
  /** Its IPv4 address, which exists only inside the lab's namespaces. */
  readonly address: string;
  /** Where the lab keeps its files, as seen from the machine and from the node alike. */
  readonly folder: HostPath;
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

/** Whose network namespace it is, or `undefined` when it is none of a lab's. */
export function labIdOfNetns(name: string): string | undefined {
  return NETNS_NAME.exec(name)?.[1];
}

/** Where a namespace of `node` is kept alive by a bind mount, so that it needs no process to hold it. */
export function namespaceFile(node: ClusterNode, kind: 'mnt' | 'uts'): HostPath {
  return joinPath(node.folder, 'namespaces', kind);
}

/** The control group of a node, relative to the root of a hierarchy; without a leading slash. */
export function nodeCgroup(node: ClusterNode): string {
  return `${CGROUP_PARENT}/${node.labId}/${node.name}`;
}

/** The control group of the node's own daemons, beside those of its pods. */
export function daemonCgroup(node: ClusterNode): string {
  return `${nodeCgroup(node)}/system`;
}

/** Where a file of `node` lies on the machine. Holds for what is below {@link NODE_MOUNTS} only. */
export function nodeFile(node: ClusterNode, path: string): HostPath {
  return joinPath(node.folder, `files${path}`);
}

/** The folders that every node has for itself; the rest of the filesystem is the machine's. */
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
