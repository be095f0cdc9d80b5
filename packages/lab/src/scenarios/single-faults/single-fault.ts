import type { LabDeps } from '../../cluster/deps.ts';
import type { Proof } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';

/** One thing that is wrong with a cluster that is otherwise healthy. */
export interface SingleFault {
  /** What is wrong; completes "break it: ...". */
  readonly what: string;
  /** Makes it so, with tools that are not kube-rescue's. */
  breakCluster(cluster: SelfHostedCluster, deps: LabDeps): Promise<void>;
  /** Looks whether it is so. */
  proveFault(cluster: SelfHostedCluster, deps: LabDeps): Promise<readonly Proof[]>;
}
