import type { HostPath } from '@kube-rescue/host';
import { addonImages } from '../addons/images.ts';
import { approveServing } from '../addons/kubelet-serving.ts';
import { createAddons, waitForAddons } from '../addons/start-addons.ts';
import { startWebhooks, webhooksService } from '../addons/webhooks.ts';
import { startHighlyAvailable } from '../high-availability/start-cluster.ts';
import { HIGH_AVAILABILITY_PACKAGES } from '../machine/debian-packages.ts';
import { prepareControlPlane, startControlPlane } from './control-plane.ts';
import { createDeployment, WEB_DEPLOYMENT, waitForDeployment } from './deployment.ts';
import { joinNode, writeKubeletDropIn } from './join-node.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { createKubeadmNode, loadKubeadmImages } from './kubeadm-nodes.ts';
import type { KubernetesRelease } from '../kubernetes/kubernetes-release.ts';
import type { KeyAlgorithm } from '../kubernetes/kubeadm-config.ts';
import { type ClusterMachine, createLabCluster, type LabCluster, type ReportProgress } from './lab-cluster.ts';
import { assertRoot, equipMachine, equipWith } from '../machine/machine.ts';
import { createSwitch } from '../machine/node-namespaces.ts';
import { SHARED_SERVICE_COMMAND } from '../machine/services.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { forbidMachineSsh, type SshAccess, sshAccess } from './ssh.ts';

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
  /**
   * How many control planes, each with its member of etcd. Three are behind a load balancer, and the first has SSH access to all; needs
   * Kubernetes 1.34, and no addons. Default: 1.
   */
  readonly controlPlanes?: 1 | 3 | undefined;
}

/** A cluster made by kubeadm: one control-plane node, and with addons a worker; or three control planes. */
export interface Cluster extends LabCluster {
  readonly keyAlgorithm: KeyAlgorithm;
  /** The control planes, the first of them first. */
  readonly controlPlanes: readonly ClusterMachine[];
  /** SSH access from the first of several control planes to all of them; `undefined` in a cluster of one. */
  readonly ssh?: (SshAccess & { readonly serviceCommand: HostPath }) | undefined;
}

const CONTROL_PLANE = { name: 'cp1', address: '10.200.0.11' } as const;
const CONTROL_PLANES = [
  CONTROL_PLANE,
  { name: 'cp2', address: '10.200.0.12' },
  { name: 'cp3', address: '10.200.0.13' },
] as const;
const WORKER = { name: 'node1', address: '10.200.0.12' } as const;
const WORKLOAD_DEADLINE_MS = 120_000;

/**
 * Starts a cluster of control planes with stacked etcd, made by kubeadm's own phases, and a Deployment on it.
 *
 * Takes about 25 s, with addons 60 s, with three control planes 80 s. A failed or aborted start removes the cluster again; installed Debian packages stay.
 *
 * @throws LabError `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_COMMAND_FAILED` `LAB_DEADLINE_PASSED`
 */
export async function createCluster(input: ClusterInput, deps: LabDeps): Promise<Cluster> {
  const { release, binaries, ownerPid, keyAlgorithm = 'RSA', addons, controlPlanes = 1 } = input;
  const isHighlyAvailable = controlPlanes > 1;
  if (isHighlyAvailable && addons !== undefined) throw new Error('a cluster with addons has one control plane');
  await (isHighlyAvailable ? equipForSsh : equipMachine)(deps);
  const start = async (lab: LabCluster, report: ReportProgress): Promise<Cluster> => {
    for (const { node } of lab.nodes) report(`lab ${lab.id}: making node ${node.name} at ${node.address}`);
    await createSwitch(lab.id, deps);
    const cluster: Cluster = {
      ...lab,
      keyAlgorithm,
      controlPlanes: lab.nodes.slice(0, controlPlanes),
      ssh: isHighlyAvailable ? { ...sshAccess(lab.node), serviceCommand: SHARED_SERVICE_COMMAND } : undefined,
    };
    if (isHighlyAvailable) await startHighlyAvailable(cluster, keyAlgorithm, report, deps);
    else await startSingle(cluster, addons, report, deps);
    await startWorkload(cluster, report, deps);
    if (addons !== undefined) {
      report('waiting for kube-proxy, CoreDNS and metrics-server');
      await waitForAddons(cluster, deps);
    }
    report('the cluster is up');
    return cluster;
  };
  const single = addons === undefined ? ([CONTROL_PLANE] as const) : ([CONTROL_PLANE, WORKER] as const);
  const nodes = isHighlyAvailable ? CONTROL_PLANES : single;
  return createLabCluster({ release, binaries, ownerPid, nodes }, start, deps);
}

async function equipForSsh(deps: LabDeps): Promise<void> {
  assertRoot(deps);
  await forbidMachineSsh(deps);
  await equipWith(HIGH_AVAILABILITY_PACKAGES, deps);
}

async function startWorkload(cluster: Cluster, report: ReportProgress, deps: LabDeps): Promise<void> {
  report(`the API server is ready; waiting for deployment/${WEB_DEPLOYMENT} to run`);
  await createDeployment(cluster, WEB_DEPLOYMENT, deps);
  await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: WORKLOAD_DEADLINE_MS }, deps);
}

/** Starts one control plane, and with addons a worker. */
async function startSingle(
  cluster: Cluster,
  addons: HostPath | undefined,
  report: ReportProgress,
  deps: LabDeps,
): Promise<void> {
  const { nodes, node, controlPlanes, binaries, release } = cluster;
  const hasAddons = addons !== undefined;
  for (const machine of nodes) {
    const isWorker = machine.node.name !== CONTROL_PLANE.name;
    await createKubeadmNode(machine, cluster, { services: isWorker ? [webhooksService(machine.node)] : [] }, deps);
  }
  report('making certificates, kubeconfigs, manifests and images');
  await runConcurrently(deps, [
    async (each) => {
      const further = addons === undefined ? [] : await addonImages({ binaries, addons, release }, each);
      await loadKubeadmImages(cluster, controlPlanes, further, each);
    },
    async (each) => {
      if (hasAddons) await writeKubeletDropIn(node, { requestsServing: true }, each);
      await prepareControlPlane(cluster, { ...cluster, hasAddons }, each);
      for (const worker of nodes.slice(1)) await startWebhooks(cluster, worker, each);
    },
  ]);
  report('starting the kubelet; waiting for etcd and the API server');
  await startControlPlane(cluster, deps);
  if (hasAddons) await startAddons(cluster, report, deps);
}

async function startAddons(cluster: Cluster, report: ReportProgress, deps: LabDeps): Promise<void> {
  report('the API server is ready; joining the worker and creating the addons');
  const workers = cluster.nodes.slice(1);
  await runConcurrently(deps, [
    (each) => createAddons(cluster, each),
    ...workers.map((worker) => async (each: LabDeps) => {
      await writeKubeletDropIn(worker.node, { requestsServing: true }, each);
      await joinNode(cluster, worker, 'worker', each);
    }),
  ]);
  report('approving the serving certificates of the kubelets');
  await approveServing(cluster, deps);
}
