import { SELF_HOSTED_RELEASE } from '../kubernetes/kubernetes-release.ts';
import type { Validity } from '../cluster/certificate-signing.ts';
import { SELF_HOSTED_PACKAGES } from '../machine/debian-packages.ts';
import { startContainerd } from '../machine/containerd.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { ClusterInput } from '../cluster/cluster.ts';
import {
  type ClusterMachine,
  createLabCluster,
  createNode,
  type LabCluster,
  type ReportProgress,
} from '../cluster/lab-cluster.ts';
import { assertRoot, equipWith } from '../machine/machine.ts';
import { execOnNode, runOnNode } from '../cluster/node-command.ts';
import { createSwitch } from '../machine/node-namespaces.ts';
import { startService } from '../machine/services.ts';
import { runConcurrently } from '../machine/concurrency.ts';
import { waitFor } from '../machine/waiting.ts';
import { startBootstrapControlPlane } from './bootstrap.ts';
import {
  API_NAME,
  CONTROL_PLANE,
  KUBECONFIG,
  MASTER_LABEL,
  NETWORK_DIRECTORIES,
  WORKER,
  WORKER_LABEL,
} from './layout.ts';
import { nodeServices, writeEncryptionConfig, writeNodeFiles } from './node-files.ts';
import { apiServerObjects, type Encryption } from './objects/api-server.ts';
import { controllerObjects } from './objects/controllers.ts';
import { agentObjects } from './objects/node-agents.ts';
import { serviceObjects } from './objects/services.ts';
import { type OutsideWorld, outsideWorld, startOutside } from './outside.ts';
import { createPki, type Pki, pkiDirectory } from './pki.ts';
import { loadSelfHostedImages } from './images.ts';
import { forbidMachineSsh, type SshAccess, sshAccess, startSsh } from '../cluster/ssh.ts';
import { ETCD_SERVICE } from './units.ts';
import { waitForControllers, waitForHealth } from './health.ts';

export interface SelfHostedClusterInput extends Pick<ClusterInput, 'binaries' | 'ownerPid'> {
  /** Encryption of Secrets in etcd. Default: `identity`, none. */
  readonly encryption?: Encryption | undefined;
}

/** A self-hosted cluster with a worker. */
export interface SelfHostedCluster extends LabCluster {
  readonly encryption: Encryption;
  readonly worker: ClusterMachine;
  /** SSH access from the control-plane node to the worker. */
  readonly ssh: SshAccess;
  readonly outside: OutsideWorld;
}

const MS_PER_DAY = 24 * 60 * 60 * 1000;
/** Tectonic gives CAs and leaves three years; the lab's are almost over. */
const LIFETIME_DAYS = 3 * 365;
const DAYS_LEFT = 7;
const REGISTRATION_DEADLINE_MS = 60_000;

/**
 * Starts a self-hosted cluster of a control-plane node and a worker, with a pod checkpointer, in the layout of Tectonic.
 * Takes about 80 s. A failed or aborted start removes the cluster again.
 *
 * @throws LabError `LAB_NOT_ROOT` `LAB_MACHINE_UNSUPPORTED` `LAB_PACKAGES_MISSING` `LAB_PACKAGES_NOT_INSTALLED`
 * `LAB_COMMAND_FAILED` `LAB_DEADLINE_PASSED`
 */
export async function createSelfHostedCluster(
  { binaries, ownerPid, encryption = 'identity' }: SelfHostedClusterInput,
  deps: LabDeps,
): Promise<SelfHostedCluster> {
  assertRoot(deps);
  await forbidMachineSsh(deps);
  await equipWith(SELF_HOSTED_PACKAGES, deps);
  const start = async (lab: LabCluster, report: ReportProgress): Promise<SelfHostedCluster> => {
    const cluster = asSelfHosted(lab, encryption);
    await startCluster(cluster, report, deps);
    return cluster;
  };
  return createLabCluster(
    { binaries, release: SELF_HOSTED_RELEASE, ownerPid, kubeconfig: KUBECONFIG, nodes: [CONTROL_PLANE, WORKER] },
    start,
    deps,
  );
}

function asSelfHosted(lab: LabCluster, encryption: Encryption): SelfHostedCluster {
  const worker = lab.nodes[1];
  if (worker === undefined) throw new Error('the lab has no second node');
  return { ...lab, encryption, worker, ssh: sshAccess(lab.node), outside: outsideWorld(lab.id) };
}

async function startCluster(cluster: SelfHostedCluster, report: ReportProgress, deps: LabDeps): Promise<void> {
  report(`lab ${cluster.id}: making nodes ${cluster.nodes.map(({ node }) => node.name).join(' and ')}`);
  await createSwitch(cluster.id, deps);
  await startOutside(cluster, deps);
  const pki = await prepareNodes(cluster, report, deps);
  report('starting etcd and a control plane outside the cluster');
  await startService(cluster.node, ETCD_SERVICE, deps);
  const bootstrap = await startBootstrapControlPlane(cluster, { pki, encryption: cluster.encryption }, deps);
  report('creating the objects of the cluster and starting the kubelets');
  await runConcurrently(
    deps,
    cluster.nodes.map(
      ({ node }) =>
        (each) =>
          startService(node, 'kubelet', each),
    ),
  );
  await createObjects(cluster, pki, deps);
  await labelNodes(cluster, deps);
  report("waiting for the cluster's own API server");
  await bootstrap.handOverApi(deps);
  report("waiting for the cluster's own controllers");
  await waitForControllers(cluster, deps);
  await bootstrap.endControllers(deps);
  report('waiting until every workload is ready');
  await startSsh(cluster, [cluster.worker], deps);
  await waitForHealth(cluster, deps);
  report('the cluster is up');
}

async function prepareNodes(cluster: SelfHostedCluster, report: ReportProgress, deps: LabDeps): Promise<Pki> {
  const hosts = {
    [API_NAME]: CONTROL_PLANE.address,
    ...Object.fromEntries(cluster.nodes.map(({ node }) => [node.name, node.address])),
  };
  for (const machine of cluster.nodes) await createNode(machine, { services: nodeServices(machine), hosts }, deps);
  report('making certificates and images');
  const [pki] = await Promise.all([
    createPki(pkiDirectory(cluster.id), validity(deps), deps),
    runConcurrently(
      deps,
      cluster.nodes.map(
        ({ node }) =>
          (each) =>
            startContainerd(node, NETWORK_DIRECTORIES, each),
      ),
    ).then(() => loadSelfHostedImages(cluster, deps)),
  ]);
  for (const machine of cluster.nodes) await writeNodeFiles(machine, pki, deps);
  if (cluster.encryption === 'aescbc') await writeEncryptionConfig(cluster, deps);
  return pki;
}

async function createObjects(cluster: SelfHostedCluster, pki: Pki, deps: LabDeps): Promise<void> {
  const items = [
    ...apiServerObjects(pki, cluster.encryption),
    ...controllerObjects(pki),
    ...agentObjects(),
    ...serviceObjects(),
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input: list });
}

/** A kubelet may not set these labels on its own Node. */
async function labelNodes(cluster: SelfHostedCluster, deps: LabDeps): Promise<void> {
  for (const { node } of cluster.nodes) {
    const label = node.name === CONTROL_PLANE.name ? MASTER_LABEL : WORKER_LABEL;
    await waitFor(deps, {
      subject: `node/${node.name}`,
      deadlineMs: REGISTRATION_DEADLINE_MS,
      check: async () => {
        const { exitCode, stderr } = await execOnNode(
          cluster,
          ['kubectl', 'label', 'node', node.name, `${label}=`],
          deps,
        );
        return exitCode === 0 ? { value: undefined } : { waitingFor: stderr.trim() };
      },
    });
  }
}

function validity({ clock }: LabDeps): Validity {
  const notAfter = new Date(clock.now().getTime() + DAYS_LEFT * MS_PER_DAY);
  return { notBefore: new Date(notAfter.getTime() - LIFETIME_DAYS * MS_PER_DAY), notAfter };
}
