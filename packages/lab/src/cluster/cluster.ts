import { type HostPath, joinPath } from '@kube-rescue/host';
import { containerdProgram, startBridgedContainerd } from '../machine/containerd.ts';
import { prepareControlPlane, startControlPlane } from './control-plane.ts';
import { createDeployment, WEB_DEPLOYMENT, waitForDeployment } from './deployment.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { kubeadmImages, packImages } from '../kubernetes/images.ts';
import type { KubernetesRelease } from '../kubernetes/kubernetes-release.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import { createLabCluster, createNode, type LabCluster, type ReportProgress } from './lab-cluster.ts';
import { equipMachine } from '../machine/machine.ts';
import type { EquippedNode } from './node-command.ts';
import { createSwitch } from '../machine/node-namespaces.ts';
import type { ServiceDefinition } from '../machine/services.ts';
import { runConcurrently } from '../machine/concurrency.ts';

export interface ClusterInput {
  readonly release: KubernetesRelease;
  /** The directory with the binaries of the release; see `provideKubernetesBinaries`. */
  readonly binaries: HostPath;
  /** The process that owns the lab: once it has exited, the lab is orphaned. Usually the caller's own pid. */
  readonly ownerPid: number;
  /** Default: `RSA`. */
  readonly keyAlgorithm?: KeyAlgorithm | undefined;
}

/** A cluster of one node, made by kubeadm. */
export interface Cluster extends LabCluster {
  readonly keyAlgorithm: KeyAlgorithm;
}

const CONTROL_PLANE = { name: 'cp1', address: '10.200.0.11' } as const;
const POD_SUBNET = '10.244.1.0/24';
const WORKLOAD_DEADLINE_MS = 120_000;

/**
 * Starts a cluster of one control-plane node with stacked etcd, made by kubeadm's own phases, and a Deployment on it.
 *
 * Takes about 25 s. A failed or aborted start removes the cluster again; installed Debian packages stay.
 *
 * @throws LabError `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_COMMAND_FAILED` `LAB_DEADLINE_PASSED`
 */
export async function createCluster(input: ClusterInput, deps: LabDeps): Promise<Cluster> {
  await equipMachine(deps);
  const { release, binaries, ownerPid, keyAlgorithm = 'RSA' } = input;
  const start = async (lab: LabCluster, report: ReportProgress): Promise<Cluster> => {
    const cluster = { ...lab, keyAlgorithm };
    await startCluster(cluster, report, deps);
    return cluster;
  };
  return createLabCluster({ release, binaries, ownerPid, nodes: [CONTROL_PLANE] }, start, deps);
}

async function startCluster(cluster: Cluster, report: ReportProgress, deps: LabDeps): Promise<void> {
  const { node } = cluster;
  report(`lab ${cluster.id}: making node ${node.name} at ${node.address}`);
  await createSwitch(node.labId, deps);
  await createNode(cluster, { services: kubeadmServices(cluster) }, deps);
  report('making certificates, kubeconfigs, manifests and images');
  await startBridgedContainerd(node, POD_SUBNET, deps);
  await runConcurrently(deps, [
    (each) => loadKubeadmImages(cluster, each),
    (each) => prepareControlPlane(cluster, cluster, each),
  ]);
  report('starting the kubelet; waiting for etcd and the API server');
  await startControlPlane(cluster, deps);
  report(`the API server is ready; waiting for deployment/${WEB_DEPLOYMENT} to run`);
  await createDeployment(cluster, WEB_DEPLOYMENT, deps);
  await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: WORKLOAD_DEADLINE_MS }, deps);
  report('the cluster is up');
}

async function loadKubeadmImages({ node, binaries, release }: Cluster, deps: LabDeps): Promise<void> {
  const recipes = await kubeadmImages(binaries, release, deps);
  const images = await packImages(recipes, joinPath(node.directory, 'images'), deps);
  await images.load(
    node,
    recipes.map(({ reference }) => reference),
    deps,
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
