import type { Cluster } from '../../cluster/cluster.ts';
import type { ClusterMachine } from '../../cluster/lab-cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import type { Proof } from '../../proofs/proof.ts';

/** Proves the same of every control plane; each claim names its node. */
export async function proveOnEach(
  { controlPlanes }: Cluster,
  proveOne: (machine: ClusterMachine, deps: LabDeps) => Promise<Proof>,
  deps: LabDeps,
): Promise<readonly Proof[]> {
  return Promise.all(
    controlPlanes.map(async (machine) => {
      const proof = await proveOne(machine, deps);
      return { ...proof, name: `${machine.node.name}: ${proof.name}` };
    }),
  );
}
