import { randomBytes } from 'node:crypto';
import { describeError } from '@kube-rescue/errors';
import { type HostPath, joinPath } from '@kube-rescue/host';
import { createCgroups } from './cgroups.ts';
import type { Argv } from './command.ts';
import { startContainerd } from './containerd.ts';
import { prepareControlPlane, startControlPlane } from './control-plane.ts';
import { createDeployment, WEB_DEPLOYMENT, waitForDeployment } from './deployment.ts';
import { type LabDeps, secondsSince } from './deps.ts';
import { loadImages } from './images.ts';
import type { KeyAlgorithm } from './kubeadm-config.ts';
import { type ClusterNode, labFolder, NODE_MOUNTS, nodeFile } from './lab-folder.ts';
import { identifyOwner, type LabRecord, withLabLock, writeLabRecord } from './lab-register.ts';
import { removeLab } from './lab-removal.ts';
import { equipMachine } from './machine.ts';
import { prepareMachine } from './machine-changes.ts';
import type { EquippedNode } from './node-command.ts';
import { createNamespaces, createSwitch, enterNode } from './node-namespaces.ts';
import { installServices, serviceCommand } from './services.ts';
import { runTogether } from './together.ts';

export interface ClusterInput {
  /** The folder with the Kubernetes binaries; see `provideKubernetesBinaries`. */
  readonly binaries: HostPath;
  /** The process that answers for the lab: when it is gone, the lab is a leftover. Usually the caller's own pid. */
  readonly ownerPid: number;
  /** Default: `RSA`. */
  readonly keyAlgorithm?: KeyAlgorithm | undefined;
}

/** A real Kubernetes cluster on this machine, made to be broken. */
export interface Cluster extends EquippedNode {
  readonly id: string;
  readonly keyAlgorithm: KeyAlgorithm;
  /** The control-plane node. */
  readonly node: ClusterNode;
  /** `PROGRAM start|stop|restart|status kubelet`, to be run on the node. */
  readonly serviceCommand: HostPath;
  /** The argv in front of a program that is to run on the node. */
  enter(): Argv;
  /** Lets the cluster outlive its owner, until leftovers are removed with the kept ones. */
  keep(): Promise<void>;
  /** Removes every trace of the cluster; does nothing when it was removed before. */
  remove(): Promise<void>;
}

const NODE_NAME = 'cp1';
const NODE_ADDRESS = '10.200.0.11';
const POD_SUBNET = '10.244.1.0/24';
const WORKLOAD_DEADLINE_MS = 120_000;

/**
 * Starts a cluster of one control-plane node with stacked etcd, made by kubeadm's own phases, and a Deployment on it.
 *
 * Takes about 25 s. Whatever fails or is aborted on the way, nothing of the cluster is left afterwards; what it needs on
 * the machine (Debian packages) stays.
 *
 * @throws LabError `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_COMMAND_FAILED` `LAB_DEADLINE_PASSED`
 */
export async function createCluster(input: ClusterInput, deps: LabDeps): Promise<Cluster> {
  await equipMachine(deps);
  const id = randomBytes(3).toString('hex');
  const record: LabRecord = {
    id,
    owner: await identifyOwner(input.ownerPid, deps),
    nodes: [NODE_NAME],
    kept: false,
  };
  const folder = joinPath(labFolder(id), NODE_NAME);
  const cluster = wireCluster(record, { name: NODE_NAME, address: NODE_ADDRESS, folder, labId: id }, input, deps);
  try {
    await withLabLock(deps, async () => {
      await prepareMachine(deps);
      await writeLabRecord(record, deps);
    });
    await startCluster(cluster, deps);
    return cluster;
  } catch (error) {
    // What failed first is what must be told; what could not be removed is found again as a leftover.
    await cluster.remove().catch((leftover: unknown) => {
      deps.onProgress?.({ phase: 'clean', message: describeError(leftover) });
    });
    throw error;
  }
}

async function startCluster(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { node, binaries } = cluster;
  const startedAt = deps.clock.now();
  const tell = (message: string): void => {
    deps.onProgress?.({ phase: 'cluster', message: `${message} (${secondsSince(deps.clock, startedAt)} s)` });
  };
  tell(`lab ${cluster.id}: making node ${node.name} at ${node.address}`);
  await createNode(cluster, deps);
  tell('making certificates, kubeconfigs, manifests and images');
  await startContainerd(node, POD_SUBNET, deps);
  await runTogether(deps, [
    (each) => loadImages(node, binaries, each),
    (each) => prepareControlPlane(cluster, cluster.keyAlgorithm, each),
  ]);
  tell('starting the kubelet; waiting for etcd and the API server');
  await startControlPlane(cluster, deps);
  tell(`the API server is ready; waiting for deployment/${WEB_DEPLOYMENT} to run`);
  await createDeployment(cluster, WEB_DEPLOYMENT, deps);
  await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: WORKLOAD_DEADLINE_MS }, deps);
  tell('the cluster is up');
}

async function createNode({ node, binaries }: Cluster, deps: LabDeps): Promise<void> {
  await deps.host.makeDirectory(joinPath(node.folder, 'home'), { mode: 0o700 });
  for (const path of NODE_MOUNTS) await deps.host.makeDirectory(nodeFile(node, path), { mode: 0o755 });
  await createSwitch(node.labId, deps);
  await createNamespaces(node, deps);
  await createCgroups(node, deps);
  await installServices({ node, kubelet: joinPath(binaries, 'kubelet') }, deps);
}

function wireCluster(record: LabRecord, node: ClusterNode, input: ClusterInput, deps: LabDeps): Cluster {
  // The clean-up of an aborted lab must not be aborted with it.
  const lasting = { host: deps.host, clock: deps.clock };
  return {
    id: record.id,
    keyAlgorithm: input.keyAlgorithm ?? 'RSA',
    node,
    binaries: input.binaries,
    serviceCommand: serviceCommand(node),
    enter: () => enterNode(node),
    keep: () => withLabLock(lasting, () => writeLabRecord({ ...record, kept: true }, lasting)),
    remove: () => withLabLock(lasting, () => removeLab(record.id, lasting)),
  };
}
