import { isRecoveryError } from '@kube-rescue/errors';
import {
  createLocalHost,
  guardHost,
  type Host,
  type HostPath,
  hostPath,
  joinPath,
  parentPath,
} from '@kube-rescue/host';
import {
  type ComponentFlags,
  componentFlags,
  findComponent,
  isJoinedWorker,
  type KubeletConfiguration,
  readEtcdService,
  readKubeletConfiguration,
  readStaticPods,
  type StaticPods,
} from '@kube-rescue/node-config';
import { PkiError } from '../errors.ts';

/** Which node. */
export interface NodeFiles {
  /** A copy of a node's filesystem, for example `/mnt/node01`. Default: `/`, this machine. */
  readonly root?: string | undefined;
  /** As the node names it, not below `root`. Default: `/etc/kubernetes`. */
  readonly kubernetesDirectory?: string | undefined;
}

/** A node, open. */
export interface OpenNodeFiles {
  readonly host: Host;
  readonly kubernetesDirectory: HostPath;
}

/** The components of a node, its kubelet among them. */
export interface NodeComponents {
  readonly components: readonly ComponentFlags[];
  /** Why some are missing in `components`, or incomplete. */
  readonly unread: readonly Error[];
}

/**
 * Opens the files of a node: this machine, or a copy.
 * @throws PkiError `PKI_NODE_NOT_FOUND`; HostError `HOST_PATH_INVALID` for a relative path
 */
export async function openNodeFiles({
  root = '/',
  kubernetesDirectory = '/etc/kubernetes',
}: NodeFiles): Promise<OpenNodeFiles> {
  const directory = hostPath(kubernetesDirectory);
  const host = guardHost(createLocalHost({ root: hostPath(root) }));
  const hint = 'give the root of a copy, the directory that contains etc/kubernetes, or nothing for this machine';
  if ((await host.list(hostPath('/'))) === undefined) throw notFound(`${root} does not exist`, root, hint);
  if ((await host.list(directory)) === undefined) {
    throw notFound(`${directory} not found: not a Kubernetes node`, joinPath(hostPath(root), `.${directory}`), hint);
  }
  return { host, kubernetesDirectory: directory };
}

/**
 * Reads the flags of static pods, of an etcd service and of the kubelet.
 * @throws NodeConfigError `MANIFEST_DIRECTORY_MISSING` `CONFIGURATION_INVALID`; HostError
 */
export async function readNodeComponents({ host, kubernetesDirectory }: OpenNodeFiles): Promise<NodeComponents> {
  const kubelet = await readKubeletConfiguration({ host });
  const directory = kubelet.staticPodPath ?? joinPath(kubernetesDirectory, 'manifests');
  const { pods, problems } = await readManifests(directory, kubelet, { host, kubernetesDirectory });
  const own = pods.flatMap((pod) => componentFlags(pod) ?? []);
  const service = findComponent(own, 'etcd') === undefined ? await readEtcdService({ host }) : undefined;
  const services = service === undefined ? [] : [service.component];
  const checkpoints = joinPath(parentPath(directory), 'inactive-manifests');
  const isSelfHosted = (await host.list(checkpoints)) !== undefined;
  return {
    components: [...own, ...services, kubelet.component],
    unread: [...kubelet.problems, ...problems, ...(isSelfHosted ? [selfHosted(checkpoints)] : [])],
  };
}

async function readManifests(
  directory: HostPath,
  { kubeconfig }: KubeletConfiguration,
  { host, kubernetesDirectory }: OpenNodeFiles,
): Promise<Pick<StaticPods, 'pods' | 'problems'>> {
  try {
    return await readStaticPods({ directory }, { host });
  } catch (error) {
    if (!isRecoveryError(error, 'MANIFEST_DIRECTORY_MISSING')) throw error;
    if (!(await isJoinedWorker({ kubernetesDirectory, kubeconfig }, { host }))) throw error;
    return { pods: [], problems: [] };
  }
}

function selfHosted(subject: HostPath): PkiError {
  return new PkiError({
    code: 'PKI_LAYOUT_UNSUPPORTED',
    message: 'the control plane is self-hosted: certificates of checkpointed pods were not read',
    subject,
    hint: 'use checkCertificates of @kube-rescue/diagnosis, or `kube-rescue certs check` and `kube-rescue recover`',
  });
}

function notFound(message: string, subject: string, hint: string): PkiError {
  return new PkiError({ code: 'PKI_NODE_NOT_FOUND', message, subject, hint });
}
