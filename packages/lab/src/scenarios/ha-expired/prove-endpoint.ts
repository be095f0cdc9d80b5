import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { ENDPOINT } from '../../high-availability/load-balancer.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const DEADLINE_MS = 60_000;
const ANSWERS = 40;
const INTERVAL_MS = 250;

/** Proves that the API answers through the load balancer, and that no request of the next ten seconds fails. */
export function proveEndpoint(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove(`the API answers at ${ENDPOINT.host} and goes on to answer`, async () => {
    await waitFor(deps, {
      subject: ENDPOINT.host,
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const answer = await ask(cluster, deps);
        return answer === 'ok' ? { value: undefined } : { waitingFor: answer };
      },
    });
    for (let good = 0; good < ANSWERS; good += 1) {
      const answer = await ask(cluster, deps);
      if (answer !== 'ok') return { ok: false, detail: `after ${good} good answers: ${answer}` };
      await deps.clock.sleep(INTERVAL_MS, deps.signal);
    }
    return { ok: true, detail: `${ANSWERS} good answers in a row` };
  });
}

async function ask(cluster: Cluster, deps: LabDeps): Promise<string> {
  const url = `https://${ENDPOINT.host}:${ENDPOINT.port}/readyz`;
  const curl = ['curl', '--silent', '--show-error', '--max-time', '5'] as const;
  const argv = [...curl, '--cacert', '/etc/kubernetes/pki/ca.crt', url] as const;
  const { stdout, stderr } = await execOnNode(cluster, argv, deps);
  return stdout || stderr.trim() || 'no answer';
}
