import { type InspectionInput, readContextChoice } from '@kube-rescue/cert-rotation';
import {
  type ComponentFlags,
  componentFlags,
  type ContextChoice,
  type EtcdService,
  isJoinedWorker,
  type KubeletConfiguration,
  readEtcdService,
  readKubeconfigClient,
  readKubeletConfiguration,
  readStaticPods,
  type StaticPod,
  type StaticPods,
  UNIT_DIRECTORIES,
} from '@kube-rescue/node-config';
import { isRecoveryError } from '@kube-rescue/errors';
import type { SnapshotSeal } from '@kube-rescue/etcd-access';
import {
  baseName,
  type Clock,
  type GuardOptions,
  type Host,
  type HostPath,
  hostPath,
  joinPath,
} from '@kube-rescue/host';
import { checkpointFlags, type Checkpoints, readCheckpoints } from '@kube-rescue/static-manifests';
import { findOtherDistribution } from './distribution.ts';
import { NodeError } from './errors.ts';

/** The configuration directory and the kubelet service of a node. */
export interface NodeOptions {
  /** Default in the command line: `/etc/kubernetes`. */
  readonly kubernetesDirectory: HostPath;
  /** Name of the kubelet's service, usually `kubelet`. */
  readonly kubeletService: string;
  /** Where the kubelet reads static pods. Default: by its configuration, else `manifests` in `kubernetesDirectory`. */
  readonly manifestsDirectory?: HostPath | undefined;
  /** This machine may have no files of a node: etcd is named, with what opens it. Default: false, `NODE_NOT_FOUND`. */
  readonly mayBeNoNode?: boolean | undefined;
}

export interface NodeDeps {
  readonly host: Host;
  readonly clock: Clock;
  /** Reads the files that the operator names, with any owner. Default: `host`. */
  readonly inputHost?: Host | undefined;
  /** Default: snapshots of etcd are not encrypted, and readable by root. */
  readonly sealSnapshot?: SnapshotSeal | undefined;
  /** Called with a line for each process that has a kubelet's name and is not believed. Default: `kubelet.evidence` has them. */
  readonly onNotBelieved?: ((line: string) => void) | undefined;
  /** As of `guardHost`. Default: none is reported. */
  readonly onServiceAccount?: GuardOptions['onServiceAccount'];
}

/** How a cluster keeps its control plane: as static pods that kubeadm made, or as its own workloads with checkpoints on disk. */
export type Layout = 'kubeadm' | 'self-hosted';

/** A node as its files and flags describe it. */
export interface NodeDescription {
  readonly options: NodeOptions;
  readonly layout: Layout;
  readonly kubelet: KubeletConfiguration;
  readonly staticPods: StaticPods;
  /** The checkpoints on this node; empty on a kubeadm node. */
  readonly checkpoints: Checkpoints;
  /** The etcd that runs as a service; `undefined` where etcd is a static pod, or on another machine. */
  readonly etcdService: EtcdService | undefined;
  readonly components: readonly ComponentFlags[];
  /** The URL of this node's API server; `undefined` when none is configured. */
  readonly apiServerUrl: string | undefined;
  /** The kubeconfig that the recovery uses, once its certificate is valid. */
  readonly adminKubeconfig: HostPath;
  /** Its context for this cluster: an administrator merges several clusters into one file, a kubelet takes the current context. */
  readonly adminContext: ContextChoice;
  /** Why the node cannot be recovered although it has the files of one; `undefined` on a kubeadm or self-hosted node. */
  readonly otherDistribution: NodeError | undefined;
  /** Input for the certificate inspection. */
  readonly inspection: InspectionInput;
}

/** Units whose files a description reads. */
const UNITS = ['kubelet', 'etcd', 'etcd-member'];
const KUBELET_PATHS = [
  '/var/lib/kubelet/config.yaml',
  '/var/lib/kubelet/instance-config.yaml',
  '/var/lib/kubelet/kubeadm-flags.env',
  '/var/lib/kubelet/pki',
  '/etc/default/kubelet',
  '/etc/sysconfig/kubelet',
  '/etc/ssl/etcd',
].map(hostPath);

/** The paths that a description and a certificate inspection usually read; other paths are read one by one. */
export function listUsualPaths({ kubernetesDirectory }: NodeOptions): readonly HostPath[] {
  const units = UNIT_DIRECTORIES.flatMap((directory) =>
    UNITS.flatMap((unit) => [`${unit}.service`, `${unit}.service.d`].map((name) => joinPath(directory, name))),
  );
  return [kubernetesDirectory, ...KUBELET_PATHS, ...units];
}

/**
 * Reads how a node is set up: its kubelet, its static pods, and the flags of both. Works with everything down.
 *
 * @throws NodeError `NODE_NOT_FOUND` `LAYOUT_UNSUPPORTED`; ManifestError `MANIFEST_DIRECTORY_MISSING`; NodeConfigError `CONFIGURATION_INVALID`; HostError
 */
export async function describeNode(options: NodeOptions, { host }: NodeDeps): Promise<NodeDescription> {
  const { kubernetesDirectory, manifestsDirectory, mayBeNoNode = false } = options;
  if (!mayBeNoNode && (await host.list(kubernetesDirectory)) === undefined) {
    const other = await findOtherDistribution({ host });
    if (other !== undefined) throw other;
    throw new NodeError({
      code: 'NODE_NOT_FOUND',
      message: `${kubernetesDirectory} not found: not a Kubernetes node?`,
      subject: kubernetesDirectory,
      hint: 'run this on a node; or pass its directory with --kubernetes-dir, or a copy of its filesystem with --root',
    });
  }
  const kubelet = await readKubeletConfiguration({ host, kubernetesDirectory });
  const directory = manifestsDirectory ?? kubelet.staticPodPath ?? joinPath(kubernetesDirectory, 'manifests');
  const staticPods = await readManifests({ directory, kubernetesDirectory, mayBeNoNode, kubelet }, host);
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
  const inspection = { components, kubernetesDirectory };
  const adminContext = adminKubeconfig === kubelet.kubeconfig ? {} : await readContextChoice(inspection, { host });
  return {
    ...{ options, layout, kubelet, staticPods, checkpoints, etcdService, components, adminKubeconfig, adminContext },
    otherDistribution: hasKubeadmApiServer(staticPods, layout) ? undefined : await findOtherDistribution({ host }),
    apiServerUrl: await findApiServerUrl(isKubeadm, { components, adminKubeconfig, adminContext }, host),
    inspection,
  };
}

interface ManifestSearch extends Pick<NodeOptions, 'kubernetesDirectory' | 'mayBeNoNode'> {
  readonly directory: HostPath;
  readonly kubelet: Pick<KubeletConfiguration, 'kubeconfig'>;
}

/**
 * A machine without manifests may be a node of a distribution that keeps them elsewhere, or has none. On a worker the directory may
 * be missing: the kubelet runs no static pod then.
 */
async function readManifests({ directory, ...search }: ManifestSearch, host: Host): Promise<StaticPods> {
  try {
    return await readStaticPods({ directory }, { host });
  } catch (error) {
    const isMissing = isRecoveryError(error, 'MANIFEST_DIRECTORY_MISSING');
    const none = { directory, pods: [], problems: [], passedOver: [], skipped: [] };
    if (isMissing && search.mayBeNoNode === true) return none;
    const other = isRecoveryError(error) ? await findOtherDistribution({ host }) : undefined;
    const kubeconfig = search.kubelet.kubeconfig;
    if (other === undefined && isMissing && (await isJoinedWorker({ ...search, kubeconfig }, { host }))) return none;
    throw other ?? error;
  }
}

/** kubeadm writes kube-apiserver.yaml (`app/constants/constants.go`); other distributions name the file otherwise. */
function hasKubeadmApiServer({ pods }: StaticPods, layout: Layout): boolean {
  return layout === 'self-hosted' || pods.some(({ manifest }) => baseName(manifest.path) === 'kube-apiserver.yaml');
}

/**
 * Judges by the checkpointer's directories. The checkpointer alone creates them, when it starts, and keeps them when it has
 * removed their content.
 */
async function isSelfHosted({ checkpoints, directories }: Checkpoints, host: Pick<Host, 'list'>): Promise<boolean> {
  return checkpoints.length > 0 || (await host.list(directories.inactive)) !== undefined;
}

function isEtcd({ component }: ComponentFlags): boolean {
  return component === 'etcd';
}

/** A checkpoint equals its active copy among the static pods, and remains when the copy is removed. */
function withCheckpoints(
  pods: readonly ComponentFlags[],
  checkpointed: readonly ComponentFlags[],
): readonly ComponentFlags[] {
  const others = pods.filter(({ component }) => !checkpointed.some((each) => each.component === component));
  return [...checkpointed, ...others];
}

/**
 * Without `admin.conf`, the kubelet's kubeconfig is used: in Tectonic it has administrator rights (`system:masters`), on a kubeadm
 * worker it has the rights of a node. A kubeadm control plane has `admin.conf`, or is damaged.
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
 * kubeadm's API server is reached at its own address. The certificate of a self-hosted API server lacks the node's address, so
 * the name in the kubeconfig is used; on a worker as well.
 */
async function findApiServerUrl(
  isKubeadm: boolean,
  {
    components,
    adminKubeconfig,
    adminContext,
  }: Pick<NodeDescription, 'components' | 'adminKubeconfig' | 'adminContext'>,
  host: Pick<Host, 'readFile' | 'readLink'>,
): Promise<string | undefined> {
  const flags = components.find(({ component }) => component === 'kube-apiserver')?.flags;
  if (!isKubeadm || flags === undefined) return readServer(adminKubeconfig, adminContext, host);
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
  choice: ContextChoice,
  host: Pick<Host, 'readFile' | 'readLink'>,
): Promise<string | undefined> {
  try {
    const { server } = await readKubeconfigClient(kubeconfig, { host }, choice);
    return server === '' ? undefined : server.replace(/\/$/, '');
  } catch (error) {
    // The caller that needs the kubeconfig reads it again, and reports the error.
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
