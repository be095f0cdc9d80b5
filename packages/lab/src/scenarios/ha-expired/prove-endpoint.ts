import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { ENDPOINT } from '../../high-availability/load-balancer.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

const DEADLINE_MS = 60_000;
const ANSWERS = 40;
const INTERVAL_MS = 250;
/** As in the drill's watch: an answer that is late on a busy machine is no outage. */
const RETRY_AFTER_MS = 200;

/** Proves that the API answers through the load balancer, and that a client that retries once sees no failure in the next ten seconds. */
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
    const retried: string[] = [];
    for (let good = 0; good < ANSWERS; good += 1) {
      const first = await ask(cluster, deps);
      if (first !== 'ok') {
        await deps.clock.sleep(RETRY_AFTER_MS, deps.signal);
        const second = await ask(cluster, deps);
        if (second !== 'ok') return { ok: false, detail: `after ${good} good answers: ${first}, then ${second}` };
        retried.push(first);
      }
      await deps.clock.sleep(INTERVAL_MS, deps.signal);
    }
    const asked = retried.length === 0 ? 'none asked twice' : `${retried.length} asked twice: ${retried.join('; ')}`;
    return { ok: true, detail: `${ANSWERS} good answers in a row, ${asked}` };
  });
}

async function ask(cluster: Cluster, deps: LabDeps): Promise<string> {
  const url = `https://${ENDPOINT.host}:${ENDPOINT.port}/readyz`;
  const curl = ['curl', '--silent', '--show-error', '--max-time', '5'] as const;
  const argv = [...curl, '--cacert', '/etc/kubernetes/pki/ca.crt', url] as const;
  const { stdout, stderr } = await execOnNode(cluster, argv, deps);
  return failedChecks(stdout) || stdout || stderr.trim() || 'no answer';
}

/** @param answer of /readyz: an API server that is not ready lists every check, the failed ones with a minus */
export function failedChecks(answer: string): string {
  return [...answer.matchAll(/^\[-\](.*)$/gm)].map(([, check = '']) => check).join(', ');
}
