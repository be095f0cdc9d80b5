import type { InspectionInput } from '@kube-rescue/cert-rotation';
import {
  type ComponentFlags,
  componentFlags,
  type EtcdService,
  type KubeletConfiguration,
  readEtcdService,
  readKubeconfigClient,
  readKubeletConfiguration,
  readStaticPods,
  type StaticPod,
  type StaticPods,
} from '@kube-rescue/node-config';
import { isRecoveryError } from '@kube-rescue/errors';
import type { SnapshotSeal } from '@kube-rescue/etcd-access';
import { type Clock, type Host, type HostPath, joinPath } from '@kube-rescue/host';
import { checkpointFlags, type Checkpoints, readCheckpoints } from '@kube-rescue/static-manifests';
import { NodeError } from './errors.ts';

/** Where this node keeps its things. */
export interface NodeOptions {
  /** Default in the command line: `/etc/kubernetes`. */
  readonly kubernetesDirectory: HostPath;
  /** Name of the kubelet's service, usually `kubelet`. */
  readonly kubeletService: string;
}

export interface NodeDeps {
  readonly host: Host;
  readonly clock: Clock;
  /** Default: snapshots of etcd are kept as they are, readable for root. */
  readonly sealSnapshot?: SnapshotSeal | undefined;
}

/** How a cluster keeps its control plane: as static pods that kubeadm made, or as its own workloads with checkpoints on disk. */
export type Layout = 'kubeadm' | 'self-hosted';

/** A node as its files and flags describe it. */
export interface NodeDescription {
  readonly options: NodeOptions;
  readonly layout: Layout;
  readonly kubelet: KubeletConfiguration;
  readonly staticPods: StaticPods;
  /** What a pod checkpointer keeps on this node; without any on a kubeadm node. */
  readonly checkpoints: Checkpoints;
  /** The etcd that the machine itself runs; `undefined` where it is a static pod, or elsewhere. */
  readonly etcdService: EtcdService | undefined;
  readonly components: readonly ComponentFlags[];
  /** Where this node's API server is asked, and `undefined` when nothing here tells. */
  readonly apiServerUrl: string | undefined;
  /** The kubeconfig that the recovery itself uses, once its certificate is good. */
  readonly adminKubeconfig: HostPath;
  /** What to look at for certificates. */
  readonly inspection: InspectionInput;
}

/**
 * Reads how a node is set up: its kubelet, its static pods, and the flags of both. Works with everything dead.
 *
 * @throws NodeError `NODE_NOT_FOUND`; ManifestError `MANIFEST_DIRECTORY_MISSING` `KUBELET_CONFIGURATION_INVALID`; HostError
 */
export async function describeNode(options: NodeOptions, { host }: NodeDeps): Promise<NodeDescription> {
  const { kubernetesDirectory } = options;
  if ((await host.list(kubernetesDirectory)) === undefined) {
    throw new NodeError({
      code: 'NODE_NOT_FOUND',
      message: 'there is no folder of a Kubernetes node',
      subject: kubernetesDirectory,
      hint: 'run this on a node, or name its folder with --kubernetes-dir, or a copy of its filesystem with --root',
    });
  }
  const kubelet = await readKubeletConfiguration({ host });
  const directory = kubelet.staticPodPath ?? joinPath(kubernetesDirectory, 'manifests');
  const staticPods = await readStaticPods({ directory }, { host });
  const checkpoints = await readCheckpoints({ directory }, { host });
  const layout: Layout = (await isSelfHosted(checkpoints, host)) ? 'self-hosted' : 'kubeadm';
  const pods = staticPods.pods.flatMap((pod) => componentFlags(pod) ?? []);
  const checkpointed = checkpoints.checkpoints.flatMap((checkpoint) => checkpointFlags(checkpoint) ?? []);
  const etcdService = pods.some(isEtcd) ? undefined : await readEtcdService({ host });
  const own = layout === 'kubeadm' ? pods : withCheckpoints(pods, checkpointed);
  const services = etcdService === undefined ? [] : [etcdService.component];
  const components: readonly ComponentFlags[] = [...own, ...services, kubelet.component];
  const isKubeadm = layout === 'kubeadm' && own.some(({ component }) => component === 'kube-apiserver');
  const adminKubeconfig = await findAdminKubeconfig(isKubeadm, options, kubelet, host);
  return {
    ...{ options, layout, kubelet, staticPods, checkpoints, etcdService, components, adminKubeconfig },
    apiServerUrl: await findApiServerUrl(isKubeadm, { components, adminKubeconfig }, host),
    inspection: { components, kubernetesDirectory },
  };
}

/**
 * A checkpointer's directories tell, and stay when it has removed everything in them: it makes them when it starts, and nothing
 * else does.
 */
async function isSelfHosted({ checkpoints, directories }: Checkpoints, host: Pick<Host, 'list'>): Promise<boolean> {
  return checkpoints.length > 0 || (await host.list(directories.inactive)) !== undefined;
}

function isEtcd({ component }: ComponentFlags): boolean {
  return component === 'etcd';
}

/** A checkpoint says the same as its active copy among the static pods, and is there when that is not. */
function withCheckpoints(
  pods: readonly ComponentFlags[],
  checkpointed: readonly ComponentFlags[],
): readonly ComponentFlags[] {
  const others = pods.filter(({ component }) => !checkpointed.some((each) => each.component === component));
  return [...checkpointed, ...others];
}

/**
 * Where there is no `admin.conf`, the kubelet's own kubeconfig is what there is: in Tectonic it is the administrator's as well
 * (`system:masters`), on a worker of kubeadm it may do what a node may. kubeadm's control plane has the first or is damaged.
 */
async function findAdminKubeconfig(
  isKubeadm: boolean,
  { kubernetesDirectory }: NodeOptions,
  kubelet: KubeletConfiguration,
  host: Pick<Host, 'stat'>,
): Promise<HostPath> {
  const usual = joinPath(kubernetesDirectory, 'admin.conf');
  if (isKubeadm || (await host.stat(usual)) !== undefined) return usual;
  return kubelet.kubeconfig ?? joinPath(kubernetesDirectory, 'kubeconfig');
}

/**
 * kubeadm's API server is asked at its own address. The certificate of a self-hosted one has no address of the node in it, so
 * that is asked by the name that its clients use; and so is that of a worker, which is elsewhere.
 */
async function findApiServerUrl(
  isKubeadm: boolean,
  { components, adminKubeconfig }: Pick<NodeDescription, 'components' | 'adminKubeconfig'>,
  host: Pick<Host, 'readFile' | 'readLink'>,
): Promise<string | undefined> {
  const flags = components.find(({ component }) => component === 'kube-apiserver')?.flags;
  if (!isKubeadm || flags === undefined) return readServer(adminKubeconfig, host);
  const address = flags.get('advertise-address') ?? '127.0.0.1';
  const literal = address.includes(':') ? `[${address}]` : address;
  return `https://${literal}:${flags.get('secure-port') ?? '6443'}`;
}

/** The static pod of a component, or `undefined`. */
export function findPod({ staticPods }: NodeDescription, component: string): StaticPod | undefined {
  return staticPods.pods.find((pod) => componentFlags(pod)?.component === component);
}

async function readServer(
  kubeconfig: HostPath,
  host: Pick<Host, 'readFile' | 'readLink'>,
): Promise<string | undefined> {
  try {
    const { server } = await readKubeconfigClient(kubeconfig, { host });
    return server === '' ? undefined : server.replace(/\/$/, '');
  } catch (error) {
    // Whoever needs it reads it again, and tells what is wrong with it.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
