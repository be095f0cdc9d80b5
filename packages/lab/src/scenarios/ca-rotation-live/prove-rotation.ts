import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { labIdOfCgroup } from '../../machine/lab-processes.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { Proof } from '../../proofs/proof.ts';
import { caFileOf, type KubeadmCaName } from '../ca-expired/ca-file.ts';
import { proveTrust } from '../ca-expired/prove-life.ts';
import { proveServiceAccountPod } from '../ca-expired/service-account-pod.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import { waitFor } from '../../machine/waiting.ts';
import { proveJoining } from './joining.ts';
import { proveOldCaGone, proveOldClientRejected } from './old-ca.ts';

const RESTART_DEADLINE_MS = 180_000;

/** Reads a CA certificate of the node, PEM. */
export function readCa(cluster: Cluster, ca: KubeadmCaName, deps: LabDeps): Promise<string> {
  return readNodeText(nodeFile(cluster.node, caFileOf(ca)), deps);
}

/** Identifies the process of the API server, to detect restarts; empty when none runs. */
export async function identifyApiServer({ id }: Pick<Cluster, 'id'>, { host }: Pick<LabDeps, 'host'>): Promise<string> {
  const running = (await host.processes()).filter(
    ({ argv, cgroup }) => argv[0] === 'kube-apiserver' && labIdOfCgroup(cgroup) === id,
  );
  return running.map(({ pid, startTicks }) => `${pid}/${startTicks}`).join(' ');
}

/** Waits until the API server is another process than `before`, and ready. */
export async function waitForNewApiServer(cluster: Cluster, before: string, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: 'API server',
    deadlineMs: RESTART_DEADLINE_MS,
    check: async () => {
      const running = await identifyApiServer(cluster, deps);
      if (running === '' || running.includes(before)) return { waitingFor: `the processes are: ${running}` };
      const { exitCode, stderr } = await execOnNode(cluster, ['kubectl', 'get', '--raw', '/readyz'], deps);
      return exitCode === 0 ? { value: undefined } : { waitingFor: stderr.trim() };
    },
  });
}

/**
 * Proves that a CA was rotated: every certificate in use is signed by the new CA, nothing holds the old CA, and its clients
 * are rejected; pods, aggregated APIs and joining nodes work with the new CA.
 *
 * @param old the old CA certificate, PEM
 */
export async function proveRotation(
  cluster: Cluster,
  { ca, old }: { readonly ca: KubeadmCaName; readonly old: string },
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const present = await readCa(cluster, ca, deps);
  const changed: Proof = {
    name: 'the CA file holds the new CA and no other',
    ok: present !== old && present.split('-----BEGIN').length === 2,
    detail: `${caFileOf(ca)} holds ${present.split('-----BEGIN').length - 1} certificate(s)`,
  };
  const trust = await proveTrust(cluster, deps);
  const pod = await proveServiceAccountPod(cluster, deps);
  const joining = await proveJoining(cluster, deps);
  const rejected = ca === 'ca' ? [await proveOldClientRejected(cluster, deps)] : [];
  return [changed, ...trust, pod, ...joining, ...rejected, await proveOldCaGone(cluster, old, deps)];
}
