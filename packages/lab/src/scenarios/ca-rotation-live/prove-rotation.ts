import type { Cluster } from '../../cluster.ts';
import type { LabDeps } from '../../deps.ts';
import { labIdOfCgroup } from '../../lab-processes.ts';
import { nodeFile } from '../../lab-folder.ts';
import { readNodeText } from '../../node-text.ts';
import type { Proof } from '../../proof.ts';
import { authorityFile } from '../authority-expired/authority-file.ts';
import type { AuthorityName } from '../authority-expired/authority-expired.ts';
import { proveTrust } from '../authority-expired/prove-life.ts';
import { proveServiceAccountPod } from '../authority-expired/service-account-pod.ts';
import { proveJoining } from './joining.ts';
import { proveOldAuthorityGone, proveOldClientRefused } from './old-authority.ts';

/** The certificate of a CA as its own file holds it, as PEM. */
export function readAuthority(cluster: Cluster, authority: AuthorityName, deps: LabDeps): Promise<string> {
  return readNodeText(nodeFile(cluster.node, authorityFile(authority)), deps);
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
  { authority, old }: { readonly authority: AuthorityName; readonly old: string },
  deps: LabDeps,
): Promise<readonly Proof[]> {
  const present = await readAuthority(cluster, authority, deps);
  const changed: Proof = {
    name: 'the CA is another one, and one alone',
    ok: present !== old && present.split('-----BEGIN').length === 2,
    detail: `${authorityFile(authority)} holds ${present.split('-----BEGIN').length - 1} certificate(s)`,
  };
  const trust = await proveTrust(cluster, deps);
  const pod = await proveServiceAccountPod(cluster, deps);
  const joining = await proveJoining(cluster, deps);
  const refused = authority === 'ca' ? [await proveOldClientRefused(cluster, deps)] : [];
  return [changed, ...trust, pod, ...joining, ...refused, await proveOldAuthorityGone(cluster, old, deps)];
}
