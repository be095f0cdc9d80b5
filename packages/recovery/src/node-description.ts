import type { ComponentFlags, InspectionInput } from '@kube-rescue/cert-rotation';
import { type Clock, type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import {
  componentFlags,
  type KubeletConfiguration,
  readKubeletConfiguration,
  readStaticPods,
  type StaticPod,
  type StaticPods,
} from '@kube-rescue/static-manifests';
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
}

/** A node as its files and flags describe it. */
export interface NodeDescription {
  readonly options: NodeOptions;
  readonly kubelet: KubeletConfiguration;
  readonly staticPods: StaticPods;
  readonly components: readonly ComponentFlags[];
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
  const components = [...staticPods.pods.flatMap((pod) => componentFlags(pod) ?? []), kubelet.component];
  return { options, kubelet, staticPods, components, inspection: { components, kubernetesDirectory } };
}

/** The static pod of a component, or `undefined`. */
export function findPod({ staticPods }: NodeDescription, component: string): StaticPod | undefined {
  return staticPods.pods.find((pod) => componentFlags(pod)?.component === component);
}

/** The address on which this node's own API server is reached from the node itself. */
export function findApiServerUrl(node: NodeDescription): string | undefined {
  const flags = node.components.find(({ component }) => component === 'kube-apiserver')?.flags;
  if (flags === undefined) return undefined;
  const address = flags.get('advertise-address') ?? '127.0.0.1';
  const literal = address.includes(':') ? `[${address}]` : address;
  return `https://${literal}:${flags.get('secure-port') ?? '6443'}`;
}

/** The kubeconfig that the recovery itself uses, once its certificate is good. */
export function adminKubeconfig({ options }: NodeDescription): HostPath {
  return hostPath(`${options.kubernetesDirectory}/admin.conf`);
}
