import type { Cluster } from '../../cluster/cluster.ts';
import type { EquippedNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { CAS, isCaExpired } from '../ca-expired/ca-file.ts';
import { proveOnEach } from '../ha-expired/on-each.ts';
import { proveAllDown } from '../ha-expired/prove-death.ts';

/** Proves that each CA has expired on every control plane, and that all of them are down. */
export async function proveCasDown(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const expired = await proveOnEach(cluster, proveCasExpired, deps);
  return [...expired, ...(await proveAllDown(cluster, deps))];
}

function proveCasExpired(at: EquippedNode, deps: LabDeps): Promise<Proof> {
  return prove('every CA has expired', async () => {
    const verdicts = await Promise.all(CAS.map((ca) => isCaExpired(at, ca, deps)));
    const expired = CAS.filter((_, index) => verdicts[index]);
    return { ok: expired.length === CAS.length, detail: `openssl: ${expired.join(', ') || 'none'} expired` };
  });
}
