import { type HostPath, joinPath } from '@kube-rescue/host';
import { addonImages } from '../addons/images.ts';
import { approveServing } from '../addons/kubelet-serving.ts';
import { createAddons, waitForAddons } from '../addons/start-addons.ts';
import { startWebhooks, webhooksService } from '../addons/webhooks.ts';
import { joinWorker, routePods, writeKubeletDropIn } from '../addons/worker.ts';
import { containerdProgram, startBridgedContainerd } from '../machine/containerd.ts';
import { prepareControlPlane, startControlPlane } from './control-plane.ts';
import { createDeployment, WEB_DEPLOYMENT, waitForDeployment } from './deployment.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { COMMON_IMAGES, kubeadmImages, packImages } from '../kubernetes/images.ts';
import type { KubernetesRelease } from '../kubernetes/kubernetes-release.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import {
  type ClusterMachine,
  createLabCluster,
  createNode,
  type LabCluster,
  type ReportProgress,
} from './lab-cluster.ts';
import { equipMachine } from '../machine/machine.ts';
import type { EquippedNode } from './node-command.ts';
import { createSwitch } from '../machine/node-namespaces.ts';
import { type ClusterNode, labDirectory } from '../machine/lab-directory.ts';
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
  /**
   * The directory with the programs of addons; see `provideAddonBinaries`. With it the cluster has kube-proxy, CoreDNS, metrics-server
   * and a worker, and its kubelets request their serving certificates. Needs Kubernetes 1.34. Default: none of that.
   */
  readonly addons?: HostPath | undefined;
}

/** A cluster made by kubeadm: one control-plane node, and with addons a worker. */
export interface Cluster extends LabCluster {
  readonly keyAlgorithm: KeyAlgorithm;
}

const CONTROL_PLANE = { name: 'cp1', address: '10.200.0.11' } as const;
const WORKER = { name: 'node1', address: '10.200.0.12' } as const;
/** The pods' addresses, by node. */
const POD_SUBNETS = { cp1: '10.244.1.0/24', node1: '10.244.2.0/24' } as const;
const WORKLOAD_DEADLINE_MS = 120_000;

/**
 * Starts a cluster of one control-plane node with stacked etcd, made by kubeadm's own phases, and a Deployment on it.
 *
 * Takes about 25 s, with addons 60 s. A failed or aborted start removes the cluster again; installed Debian packages stay.
 *
 * @throws LabError `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_COMMAND_FAILED` `LAB_DEADLINE_PASSED`
 */
export async function createCluster(input: ClusterInput, deps: LabDeps): Promise<Cluster> {
  await equipMachine(deps);
  const { release, binaries, ownerPid, keyAlgorithm = 'RSA', addons } = input;
  const start = async (lab: LabCluster, report: ReportProgress): Promise<Cluster> => {
    const cluster = { ...lab, keyAlgorithm };
    await startCluster(cluster, addons, report, deps);
    return cluster;
  };
  const nodes = addons === undefined ? ([CONTROL_PLANE] as const) : ([CONTROL_PLANE, WORKER] as const);
  return createLabCluster({ release, binaries, ownerPid, nodes }, start, deps);
}

async function startCluster(
  cluster: Cluster,
  addons: HostPath | undefined,
  report: ReportProgress,
  deps: LabDeps,
): Promise<void> {
  const { nodes, node } = cluster;
  const hasAddons = addons !== undefined;
  for (const machine of nodes) report(`lab ${cluster.id}: making node ${machine.node.name} at ${machine.node.address}`);
  await createSwitch(node.labId, deps);
  for (const machine of nodes) await createMachine(machine, nodes, deps);
  report('making certificates, kubeconfigs, manifests and images');
  await runConcurrently(deps, [
    (each) => loadKubeadmImages(cluster, addons, each),
    async (each) => {
      if (hasAddons) await writeKubeletDropIn(node, each);
      await prepareControlPlane(cluster, { ...cluster, hasAddons }, each);
      for (const worker of nodes.slice(1)) await startWebhooks(cluster, worker, each);
    },
  ]);
  report('starting the kubelet; waiting for etcd and the API server');
  await startControlPlane(cluster, deps);
  if (hasAddons) await startAddons(cluster, report, deps);
  report(`the API server is ready; waiting for deployment/${WEB_DEPLOYMENT} to run`);
  await createDeployment(cluster, WEB_DEPLOYMENT, deps);
  await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: WORKLOAD_DEADLINE_MS }, deps);
  if (hasAddons) {
    report('waiting for kube-proxy, CoreDNS and metrics-server');
    await waitForAddons(cluster, deps);
  }
  report('the cluster is up');
}

/** A node with its containerd, and routes to the pods of the others. */
async function createMachine(machine: ClusterMachine, all: readonly ClusterMachine[], deps: LabDeps): Promise<void> {
  const { node } = machine;
  const isWorker = node.name !== CONTROL_PLANE.name;
  const services = [...kubeadmServices(machine), ...(isWorker ? [webhooksService(node)] : [])];
  await createNode(machine, { services }, deps);
  await startBridgedContainerd(node, podSubnet(node), deps);
  const others = all.filter((each) => each.node.name !== node.name);
  await routePods(
    node,
    others.map((other) => ({ subnet: podSubnet(other.node), via: other.node.address })),
    deps,
  );
}

function podSubnet({ name }: ClusterNode): string {
  return name === CONTROL_PLANE.name ? POD_SUBNETS.cp1 : POD_SUBNETS.node1;
}

async function startAddons(cluster: Cluster, report: ReportProgress, deps: LabDeps): Promise<void> {
  report('the API server is ready; joining the worker and creating the addons');
  const workers = cluster.nodes.slice(1);
  await runConcurrently(deps, [
    (each) => createAddons(cluster, each),
    ...workers.map((worker) => (each: LabDeps) => joinWorker(cluster, worker, each)),
  ]);
  report('approving the serving certificates of the kubelets');
  await approveServing(cluster, deps);
}

async function loadKubeadmImages(cluster: Cluster, addons: HostPath | undefined, deps: LabDeps): Promise<void> {
  const { binaries, release } = cluster;
  const controlPlane = await kubeadmImages(binaries, release, deps);
  const everywhere = [
    ...COMMON_IMAGES,
    ...(addons === undefined ? [] : await addonImages({ binaries, addons, release }, deps)),
  ];
  const directory = joinPath(labDirectory(cluster.id), 'images');
  const images = await packImages([...controlPlane, ...everywhere], directory, deps);
  await runConcurrently(
    deps,
    cluster.nodes.map(({ node }) => (each) => {
      const recipes = node.name === CONTROL_PLANE.name ? [...controlPlane, ...everywhere] : everywhere;
      return images.load(
        node,
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
