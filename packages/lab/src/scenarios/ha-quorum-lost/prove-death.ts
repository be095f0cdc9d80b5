import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { proveEtcdctlFails, proveKubectlFails } from '../kubeadm-expired/prove-death.ts';
import { lostMembers } from './lose-quorum.ts';

const DEADLINE_MS = 60_000;

/** Proves that the member that is left has no leader, that nothing is served, and that the others do not answer. */
export async function proveQuorumLost(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([
    proveNoLeader(cluster, deps),
    proveEtcdctlFails(cluster, deps),
    proveKubectlFails(cluster, deps),
    ...lostMembers(cluster).map(({ node }) => proveSilent(cluster, node, deps)),
  ]);
}

/** By its metrics, which need no majority. */
function proveNoLeader(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('the member of etcd that is left runs, and has no leader', async () => {
    const detail = await waitFor(deps, {
      subject: 'etcd',
      deadlineMs: DEADLINE_MS,
      check: async () => {
        const { stdout, stderr } = await execOnNode(cluster, ['curl', '--silent', '--show-error', METRICS], deps);
        const line = /^etcd_server_has_leader \d$/m.exec(stdout)?.[0];
        return line?.endsWith(' 0') === true ? { value: line } : { waitingFor: line ?? stderr.trim() };
      },
    });
    return { ok: true, detail };
  });
}

const METRICS = 'http://127.0.0.1:2381/metrics';

function proveSilent(
  cluster: Cluster,
  { name, address }: { readonly name: string; readonly address: string },
  deps: LabDeps,
): Promise<Proof> {
  return prove(`${name} does not answer`, async () => {
    const curl = [
      'curl',
      '--silent',
      '--show-error',
      '--insecure',
      '--max-time',
      '2',
      `https://${address}:2380`,
    ] as const;
    const { exitCode, stderr } = await execOnNode(cluster, curl, deps);
    return { ok: exitCode !== 0, detail: stderr.trim() };
  });
}
