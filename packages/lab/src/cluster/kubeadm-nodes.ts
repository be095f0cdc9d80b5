import { joinPath } from '@kube-rescue/host';
import { COMMON_IMAGES, type ImageRecipe, kubeadmImages, packImages } from '../kubernetes/images.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { containerdProgram, startBridgedContainerd } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, labDirectory } from '../machine/lab-directory.ts';
import { routePods } from '../machine/pod-routes.ts';
import type { ServiceDefinition } from '../machine/services.ts';
import { type ClusterMachine, createNode, type LabCluster } from './lab-cluster.ts';
import type { EquippedNode } from './node-command.ts';

export interface KubeadmNodeInput {
  /** Services besides containerd and the kubelet. */
  readonly services: readonly ServiceDefinition[];
  /** Further names for /etc/hosts. */
  readonly hosts?: Readonly<Record<string, string>>;
}

/** Creates a node for kubeadm, with its containerd, and routes to the pods of the cluster's other nodes. */
export async function createKubeadmNode(
  machine: ClusterMachine,
  { nodes }: Pick<LabCluster, 'nodes'>,
  { services, hosts }: KubeadmNodeInput,
  deps: LabDeps,
): Promise<void> {
  const { node } = machine;
  await createNode(machine, { services: [...kubeadmServices(machine), ...services], ...(hosts && { hosts }) }, deps);
  await startBridgedContainerd(node, podSubnet(node), deps);
  const others = nodes.filter((each) => each.node.name !== node.name);
  await routePods(
    node,
    others.map((other) => ({ subnet: podSubnet(other.node), via: other.node.address })),
    deps,
  );
}

/** The pods' addresses, by the last part of the node's: 10.200.0.12 has 10.244.2.0/24. */
function podSubnet({ address }: ClusterNode): string {
  return `10.244.${Number(address.split('.').at(-1)) - 10}.0/24`;
}

/**
 * Loads the images of a control plane into each of `controlPlanes`, and what every node runs into every node.
 *
 * @param further what every node runs besides the pause container and the lab's workload
 */
export async function loadKubeadmImages(
  cluster: LabCluster,
  controlPlanes: readonly ClusterMachine[],
  further: readonly ImageRecipe[],
  deps: LabDeps,
): Promise<void> {
  const { binaries, release, nodes } = cluster;
  const controlPlane = await kubeadmImages(binaries, release, deps);
  const everywhere = [...COMMON_IMAGES, ...further];
  const directory = joinPath(labDirectory(cluster.id), 'images');
  const images = await packImages([...controlPlane, ...everywhere], directory, deps);
  await runConcurrently(
    deps,
    nodes.map((machine) => (each) => {
      const recipes = controlPlanes.includes(machine) ? [...controlPlane, ...everywhere] : everywhere;
      return images.load(
        machine.node,
        recipes.map(({ reference }) => reference),
        each,
      );
    }),
  );
  await images.discard(deps);
}

function kubeadmServices({ node, binaries }: EquippedNode): readonly ServiceDefinition[] {
  // As in kubeadm's drop-in file for systemd.
  const kubelet = `. /var/lib/kubelet/kubeadm-flags.env
  set -- ${joinPath(binaries, 'kubelet')} --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \\
    --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS`;
  return [
    { name: 'containerd', program: containerdProgram(node) },
    { name: 'kubelet', program: kubelet },
  ];
}
