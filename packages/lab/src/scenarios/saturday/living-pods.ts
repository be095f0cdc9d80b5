import { execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { runningContainers } from '../../machine/containerd.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';

/** The components that elect a leader. */
export const LEADERS = ['kube-controller-manager', 'kube-scheduler'] as const;

/**
 * Why a running component refuses the API server's certificate, from the log of its present container.
 * @returns `undefined` while it does not run, or refuses nothing
 */
export async function findRefusal(
  cluster: SelfHostedCluster,
  component: (typeof LEADERS)[number],
  deps: LabDeps,
): Promise<string | undefined> {
  const running = new Set(await runningContainers(cluster.node, deps));
  const kind = 'labels."io.cri-containerd.kind"==container';
  const filter = `${kind},labels."io.kubernetes.container.name"==${component}`;
  const list = ['ctr', '--namespace=k8s.io', 'containers', 'list', '--quiet', filter] as const;
  const ids = (await execOnNode(cluster, list, deps)).stdout.split('\n');
  if (!ids.some((id) => running.has(id))) return undefined;
  // The kubelet numbers the logs by restart.
  const script = 'cat "$(ls -t /var/log/pods/kube-system_"$0"-*/"$0"/*.log | head -n 1)"';
  const { stdout } = await execOnNode(cluster, ['sh', '-c', script, component], deps);
  return /x509: certificate has expired[^"\\]*/.exec(stdout)?.[0];
}

/** Proves that scheduler and controller-manager run, and do not trust the CA that they have read. */
export function provePodsAlive(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('scheduler and controller-manager still run, with the expired CA in memory', async () => {
    const refusals = await Promise.all(LEADERS.map((component) => findRefusal(cluster, component, deps)));
    const ok = refusals.every((refusal) => refusal !== undefined);
    return { ok, detail: LEADERS.map((component, index) => `${component}: ${refusals[index] ?? 'no'}`).join('; ') };
  });
}
