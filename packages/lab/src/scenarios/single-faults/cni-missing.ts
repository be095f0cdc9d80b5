import { runCommand } from '../../machine/command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { prove } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';
import { NETWORK_DIRECTORIES, WORKER } from '../../self-hosted/layout.ts';
import { waitFor } from '../../machine/waiting.ts';
import { proveNoneRuns } from './lost-pods.ts';
import type { SingleFault } from './single-fault.ts';

const DEADLINE_MS = 90_000;

/**
 * The worker has lost the files of its network plugin, and flannel's pods do not run: their DaemonSet selects a label that
 * no node has.
 */
export const cniMissing: SingleFault = {
  what: `the network files of ${WORKER.name} and flannel's pods are gone`,
  breakCluster: async (cluster, deps) => {
    const selector = { 'kube-rescue.invalid/no-such-node': '' };
    const patch = JSON.stringify({ spec: { template: { spec: { nodeSelector: selector } } } });
    const daemonSet = ['--namespace=kube-system', 'patch', 'daemonset', 'kube-flannel'];
    await runOnNode(cluster, ['kubectl', ...daemonSet, '--patch', patch], deps);
    await proveNoneRuns(cluster, 'flannel', deps);
    await runOnNode(cluster.worker, ['rm', '-f', '/run/flannel/subnet.env'], deps);
    const configuration = nodeFile(cluster.worker.node, NETWORK_DIRECTORIES.configuration);
    await runCommand(deps, ['find', configuration, '-type', 'f', '-delete']);
    await waitForNotReady(cluster, deps);
  },
  proveFault: async (cluster, deps) => [
    await proveNoneRuns(cluster, 'flannel', deps),
    await prove(`${WORKER.name} is not Ready`, async () => ({
      ok: true,
      detail: await waitForNotReady(cluster, deps),
    })),
  ],
};

async function waitForNotReady(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const path = '{.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}';
  const argv = ['kubectl', 'get', 'node', WORKER.name, `--output=jsonpath=${path}`] as const;
  return waitFor(deps, {
    subject: `node/${WORKER.name}`,
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const { stdout } = await execOnNode(cluster, argv, deps);
      return stdout.startsWith('False ') ? { value: stdout.slice(6) } : { waitingFor: stdout };
    },
  });
}
