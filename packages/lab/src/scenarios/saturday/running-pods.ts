import { execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { runningContainers } from '../../machine/containerd.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';

/** The components that elect a leader. kube-controller-manager ends when it may not read its trust, kube-scheduler does not. */
export const LEADERS = ['kube-controller-manager', 'kube-scheduler'] as const;

/** Why a component refuses the API server's certificate, from the log of its last container; `undefined` while it does not. */
export async function findRefusal(
  cluster: SelfHostedCluster,
  component: (typeof LEADERS)[number],
  deps: LabDeps,
): Promise<string | undefined> {
  // The kubelet numbers the logs by restart.
  const script = 'cat "$(ls -t /var/log/pods/kube-system_"$0"-*/"$0"/*.log | head -n 1)"';
  const { stdout } = await execOnNode(cluster, ['sh', '-c', script, component], deps);
  return /x509: certificate has expired[^"\\\n]*/.exec(stdout)?.[0].trim();
}

/** Proves that the scheduler runs on, and that it and kube-controller-manager do not trust the CA that they have read. */
export function provePodsRunning(cluster: SelfHostedCluster, deps: LabDeps): Promise<Proof> {
  return prove('the scheduler still runs, and it and controller-manager have read the expired CA', async () => {
    const running = new Set(await runningContainers(cluster.node, deps));
    const filter = 'labels."io.cri-containerd.kind"==container,labels."io.kubernetes.container.name"==kube-scheduler';
    const list = ['ctr', '--namespace=k8s.io', 'containers', 'list', '--quiet', filter] as const;
    const schedulers = (await execOnNode(cluster, list, deps)).stdout.split('\n').filter((id) => running.has(id));
    const refusals = await Promise.all(LEADERS.map((component) => findRefusal(cluster, component, deps)));
    const ok = schedulers.length === 1 && refusals.every((refusal) => refusal !== undefined);
    const named = LEADERS.map((component, index) => `${component}: ${refusals[index] ?? 'trusts it'}`);
    return { ok, detail: [`${schedulers.length} scheduler runs`, ...named].join('; ') };
  });
}
