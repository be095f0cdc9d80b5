import { createDeployment, waitForDeployment } from '../cluster/deployment.ts';
import { type EquippedNode, execOnNode } from '../cluster/node-command.ts';
import { LabError } from '../errors.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { waitFor } from '../machine/waiting.ts';

const DEADLINE_MS = 15 * 60_000;
/** Each look is a kubectl, which takes its share of a small machine. */
const INTERVAL_MS = 1_000;

/**
 * Creates a Deployment as soon as the API server takes it, and waits until its new pods run and answer at their addresses; needs
 * working controllers, a scheduler, and a node for them. Removes it.
 *
 * @throws LabError `LAB_DEADLINE_PASSED`
 */
export async function seeNewWorkload(at: EquippedNode, deps: LabDeps): Promise<void> {
  const name = `seen-${deps.clock.now().getTime()}`;
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
