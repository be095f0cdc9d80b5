import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../cluster/deps.ts';
import { labIdOfCgroup } from '../../machine/lab-processes.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import type { Proof } from '../../proofs/proof.ts';
import { caFileOf } from '../ca-expired/ca-file.ts';
import type { LabCaName } from '../ca-expired/lab-ca-name.ts';
import { proveTrust } from '../ca-expired/prove-life.ts';
import { proveServiceAccountPod } from '../ca-expired/service-account-pod.ts';
import { proveJoining } from './joining.ts';
import { proveOldCaGone, proveOldClientRefused } from './old-ca.ts';

/** The certificate of a CA as its own file holds it, as PEM. */
export function readCa(cluster: Cluster, ca: LabCaName, deps: LabDeps): Promise<string> {
  return readNodeText(nodeFile(cluster.node, caFileOf(ca)), deps);
}

/** The API server's process, so that one can tell whether it was restarted; empty when none runs. */
export async function identifyApiServer({ id }: Pick<Cluster, 'id'>, { host }: Pick<LabDeps, 'host'>): Promise<string> {
  const running = (await host.processes()).filter(
    ({ argv, cgroup }) => argv[0] === 'kube-apiserver' && labIdOfCgroup(cgroup) === id,
  );
  return running.map(({ pid, startTicks }) => `${pid}/${startTicks}`).join(' ');
}

/**
 * Looks whether a CA was really rotated: everything in use is signed by the new one and nothing is left of the old one, whose
 * clients are refused; pods, aggregated APIs and nodes that would join work with the new one.
 *
 * @param old the CA's certificate before, as PEM
 */
export async function proveRotation(
  cluster: Cluster,
  { ca, old }: { readonly ca: LabCaName; readonly old: string },
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const present = await readCa(cluster, ca, deps);
  const changed: Proof = {
    name: 'the CA is another one, and one alone',
    ok: present !== old && present.split('-----BEGIN').length === 2,
    detail: `${caFileOf(ca)} holds ${present.split('-----BEGIN').length - 1} certificate(s)`,
  };
  const trust = await proveTrust(cluster, deps);
  const pod = await proveServiceAccountPod(cluster, deps);
  const joining = await proveJoining(cluster, deps);
  const refused = ca === 'ca' ? [await proveOldClientRefused(cluster, deps)] : [];
  return [changed, ...trust, pod, ...joining, ...refused, await proveOldCaGone(cluster, old, deps)];
}
