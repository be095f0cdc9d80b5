import { createDeployment, waitForDeployment } from '../cluster/deployment.ts';
import { type EquippedNode, execOnNode, KUBEADM_KUBECONFIG, runOnNode } from '../cluster/node-command.ts';
import { LabError } from '../errors.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { waitFor } from '../machine/waiting.ts';

const DEADLINE_MS = 15 * 60_000;
/** Each look is a kubectl, which takes its share of a small machine from the recovery that it watches. */
const INTERVAL_MS = 2_000;

/** Waits until the API server of the kubeconfig `$1` is ready, which costs less than a kubectl each time. */
const UNTIL_READY = `until
  curl --silent --insecure --max-time 2 "$(sed -n 's/^ *server: *//p' "$1" | head -n 1)/readyz" | grep -qx ok
do sleep 0.5; done`;

/**
 * Creates a Deployment as soon as the API server takes it, and waits until its new pods run and answer at their addresses; needs
 * working controllers, a scheduler, and a node for them. Removes it.
 *
 * @throws LabError `LAB_DEADLINE_PASSED` `LAB_COMMAND_FAILED`
 */
export async function seeNewWorkload(at: EquippedNode, deps: LabDeps): Promise<void> {
  const name = `seen-${deps.clock.now().getTime()}`;
  const kubeconfig = at.kubeconfig ?? KUBEADM_KUBECONFIG;
  await runOnNode(at, ['sh', '-c', UNTIL_READY, 'sh', kubeconfig], deps, { timeoutMs: DEADLINE_MS });
  await waitFor(deps, {
    subject: `deployment/${name}`,
    deadlineMs: DEADLINE_MS,
    intervalMs: INTERVAL_MS,
    check: async () => {
      try {
        await createDeployment(at, name, deps);
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        // Its answer may have been lost.
        if (!error.message.includes('AlreadyExists')) return { waitingFor: error.message };
      }
      return { value: undefined };
    },
  });
  try {
    await waitForDeployment(at, { name, deadlineMs: DEADLINE_MS, intervalMs: INTERVAL_MS }, deps);
  } finally {
    // Also after an abort: later proofs count the workloads of the cluster.
    const { host } = deps;
    await execOnNode(at, ['kubectl', 'delete', 'deployment', name, '--wait=false', '--request-timeout=10s'], { host });
  }
}
