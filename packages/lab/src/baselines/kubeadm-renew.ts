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
  await watch.time('kubeadm certs renew all', async () => {
    await runOnNode(cluster, ['kubeadm', 'certs', 'renew', 'all', '--config', kubeadmConfig(cluster)], deps);
  });
  await watch.time('start of the kubelet', async () => {
    await stopService(node, 'kubelet', deps);
    await startService(node, 'kubelet', deps);
  });
  await watch.time('manifests moved away and back', async () => {
    await runCommand(deps, ['mv', nodeFile(node, MANIFESTS), nodeFile(node, MANIFESTS_ASIDE)]);
    await deps.host.makeDirectory(nodeFile(node, MANIFESTS), { mode: 0o700 });
    await deps.clock.sleep(MANIFESTS_AWAY_MS, deps.signal);
    const names = (await deps.host.list(nodeFile(node, MANIFESTS_ASIDE))) ?? [];
    for (const name of names) {
      await runCommand(deps, ['mv', nodeFile(node, `${MANIFESTS_ASIDE}/${name}`), nodeFile(node, MANIFESTS)]);
    }
    await runCommand(deps, ['rmdir', nodeFile(node, MANIFESTS_ASIDE)]);
  });
  await watch.time('API server', () =>
    waitFor(deps, {
      subject: 'kube-apiserver',
      deadlineMs: READY_DEADLINE_MS,
      intervalMs: 50,
      check: async () =>
        (await isApiReady(cluster, deps)) ? { value: undefined } : { waitingFor: '/readyz is not ok' },
    }),
  );
  const measurement = watch.read();
  await settleKubelet(cluster, deps);
  return measurement;
}

async function renewKubeletKubeconfig(cluster: Cluster, deps: LabDeps): Promise<void> {
  const { node } = cluster;
  const kubeconfig = await runOnNode(
    cluster,
    [
      ...(['kubeadm', 'alpha', 'kubeconfig', 'user', '--config', kubeadmConfig(cluster)] as const),
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
