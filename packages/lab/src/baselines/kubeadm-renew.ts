import { hostPath } from '@kube-rescue/host';
import type { Cluster } from '../cluster/cluster.ts';
import { runCommand } from '../machine/command.ts';
import { isApiReady, kubeadmConfig, kubeadmPhase } from '../cluster/control-plane.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { nodeFile } from '../machine/lab-directory.ts';
import { runOnNode } from '../cluster/node-command.ts';
import { startService, stopService } from '../machine/services.ts';
import { waitFor } from '../machine/waiting.ts';
import { type Measurement, startStopwatch } from './stopwatch.ts';

/** The kubelet's fileCheckFrequency: the documentation says to wait that long for the pods to stop. */
const MANIFESTS_AWAY_MS = 20_000;
const READY_DEADLINE_MS = 180_000;
const MANIFESTS = '/etc/kubernetes/manifests';
const MANIFESTS_ASIDE = '/etc/kubernetes/manifests.aside';

/** Since 1.21 it is no longer below `kubeadm alpha` (cmd/kubeadm/app/cmd/kubeconfig.go). */
const KUBECONFIG_COMMAND_SINCE = 21;

/**
 * Recovers an expired cluster by the steps that the kubeadm documentation gives: a new kubeconfig for the kubelet, `kubeadm
 * certs renew all`, and a restart of the control plane by moving its manifests away for 20 s.
 *
 * Source: Kubernetes documentation, "Certificate Management with kubeadm" and "Troubleshooting kubeadm: kubelet client
 * certificate rotation fails".
 */
export async function recoverByKubeadm(cluster: Cluster, deps: LabDeps): Promise<Measurement> {
  const { node } = cluster;
  const watch = startStopwatch(deps, 'kubeadm');
  await watch.time('kubelet credentials', () => renewKubeletKubeconfig(cluster, deps));
  await watch.time('kubeadm certs renew all', () => renewAll(cluster, deps));
  await watch.time('start of the kubelet', async () => {
    await stopService(node, 'kubelet', deps);
    await startService(node, 'kubelet', deps);
  });
  await watch.time('manifests moved away and back', () => moveManifests(cluster, deps));
  await watch.time('API server', () => waitForApi(cluster, deps));
  const measurement = watch.read();
  await settleKubelet(cluster, deps);
  return measurement;
}

/**
 * Renews the certificates of a healthy cluster and takes them into use by the steps that the kubeadm documentation gives: `kubeadm
 * certs renew all`, and the manifests moved away for 20 s.
 *
 * Source: as {@link recoverByKubeadm}, "Manual certificate renewal".
 */
export async function renewByKubeadm(cluster: Cluster, deps: LabDeps): Promise<Measurement> {
  const watch = startStopwatch(deps, 'kubeadm');
  await watch.time('kubeadm certs renew all', () => renewAll(cluster, deps));
  await watch.time('manifests moved away and back', () => moveManifests(cluster, deps));
  await watch.time('API server', () => waitForApi(cluster, deps));
  return watch.read();
}

async function renewAll(cluster: Cluster, deps: LabDeps): Promise<void> {
  await runOnNode(cluster, ['kubeadm', 'certs', 'renew', 'all', '--config', kubeadmConfig(cluster)], deps);
}

async function moveManifests({ node }: Cluster, deps: LabDeps): Promise<void> {
  await runCommand(deps, ['mv', nodeFile(node, MANIFESTS), nodeFile(node, MANIFESTS_ASIDE)]);
  await deps.host.makeDirectory(nodeFile(node, MANIFESTS), { mode: 0o700 });
  await deps.clock.sleep(MANIFESTS_AWAY_MS, deps.signal);
  const names = (await deps.host.list(nodeFile(node, MANIFESTS_ASIDE))) ?? [];
  for (const name of names) {
    await runCommand(deps, ['mv', nodeFile(node, `${MANIFESTS_ASIDE}/${name}`), nodeFile(node, MANIFESTS)]);
  }
  await runCommand(deps, ['rmdir', nodeFile(node, MANIFESTS_ASIDE)]);
}

function waitForApi(cluster: Cluster, deps: LabDeps): Promise<void> {
  return waitFor(deps, {
    subject: 'kube-apiserver',
    deadlineMs: READY_DEADLINE_MS,
    intervalMs: 50,
    check: async () => ((await isApiReady(cluster, deps)) ? { value: undefined } : { waitingFor: '/readyz is not ok' }),
  });
}

async function renewKubeletKubeconfig(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { node, release } = cluster;
  const command = release.minor < KUBECONFIG_COMMAND_SINCE ? ['alpha', 'kubeconfig', 'user'] : ['kubeconfig', 'user'];
  const kubeconfig = await runOnNode(
    cluster,
    [
      ...(['kubeadm', ...command, '--config', kubeadmConfig(cluster)] as const),
      ...['--org', 'system:nodes', '--client-name', `system:node:${node.name}`],
    ],
    deps,
  );
  const file = nodeFile(node, '/etc/kubernetes/kubelet.conf');
  await deps.host.writeFile(file, Buffer.from(kubeconfig.stdout), { mode: 0o600 });
  const pki = nodeFile(node, '/var/lib/kubelet/pki');
  for (const name of (await deps.host.list(pki)) ?? []) {
    if (name.startsWith('kubelet-client')) await deps.host.remove(hostPath(`${pki}/${name}`));
  }
}

/** The last documented step, not measured: point the kubelet's kubeconfig at the file that the kubelet rotates. */
async function settleKubelet(cluster: Cluster, deps: LabDeps): Promise<void> {
  await kubeadmPhase(cluster, ['kubelet-finalize', 'all'], deps);
  await stopService(cluster.node, 'kubelet', deps);
  await startService(cluster.node, 'kubelet', deps);
}
