import type { LabDeps } from '../../machine/lab-deps.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { CONTROL_PLANE } from '../../self-hosted/layout.ts';
import { killComponents } from '../../self-hosted/component-processes.ts';
import { startService, stopService } from '../../machine/services.ts';
import { waitFor } from '../../machine/waiting.ts';
import type { SingleFault } from './single-fault.ts';

const DEADLINE_MS = 60_000;

/** The only pod of the scheduler is gone; its replacement stays Pending. */
export const schedulerGone: SingleFault = {
  what: 'the scheduler is gone, and its own pod cannot be scheduled',
  breakCluster: (cluster, deps) => killForGood(cluster, 'kube-scheduler', deps),
  proveFault: async (cluster, deps) => [await proveNoneRuns(cluster, 'kube-scheduler', deps)],
};

/** The only pod of kube-controller-manager is gone; no controller creates another. */
export const controllerManagerGone: SingleFault = {
  what: 'the controller-manager is gone, and no controller creates its pod',
  breakCluster: (cluster, deps) => killForGood(cluster, 'kube-controller-manager', deps),
  proveFault: async (cluster, deps) => [await proveNoneRuns(cluster, 'kube-controller-manager', deps)],
};

/** The only pod of cluster DNS is gone, and its node is cordoned. */
export const dnsGone: SingleFault = {
  what: 'cluster DNS is gone, and its node is cordoned',
  breakCluster: async (cluster, deps) => {
    await runOnNode(cluster, ['kubectl', 'cordon', CONTROL_PLANE.name], deps);
    await deletePods(cluster, 'kube-dns', deps);
  },
  proveFault: async (cluster, deps) => [await proveNoneRuns(cluster, 'kube-dns', deps)],
};

/** Kills an application of the control plane and deletes its pods before they can be restarted. */
export async function killForGood(cluster: SelfHostedCluster, application: string, deps: LabDeps): Promise<void> {
  await stopService(cluster.node, 'kubelet', deps);
  await killComponents(cluster, [application], deps);
  await deletePods(cluster, application, deps);
  await startService(cluster.node, 'kubelet', deps);
}

/** Force-deletes the pods of an application in kube-system. */
async function deletePods(cluster: SelfHostedCluster, application: string, deps: LabDeps): Promise<void> {
  const pods = ['delete', 'pods', '--namespace=kube-system', `--selector=k8s-app=${application}`];
  await runOnNode(cluster, ['kubectl', ...pods, '--force', '--grace-period=0'], deps);
}

/** Proves that no pod of an application in kube-system runs or has a node. */
export function proveNoneRuns(cluster: SelfHostedCluster, application: string, deps: LabDeps): Promise<Proof> {
  return prove(`no pod of ${application} runs`, async () => {
    const path = '{range .items[*]}{.metadata.name} {.status.phase} {.spec.nodeName}{"\\n"}{end}';
    const get = ['get', 'pods', '--namespace=kube-system', `--selector=k8s-app=${application}`];
    const detail = await waitFor(deps, {
      subject: application,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const { exitCode, stdout } = await execOnNode(cluster, ['kubectl', ...get, `--output=jsonpath=${path}`], deps);
        const runs = exitCode !== 0 || / \w+ \S+$/m.test(stdout);
        return runs ? { waitingFor: stdout.trim() } : { value: stdout.trim() || 'no pod exists' };
      },
    });
    return { ok: true, detail };
  });
}
