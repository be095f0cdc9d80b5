import type { LabDeps } from '../../machine/lab-deps.ts';
import type { Proof } from '../../proofs/proof.ts';
import type { SelfHostedCluster } from '../../self-hosted/cluster.ts';

/** A single fault in an otherwise healthy cluster. */
export interface SingleFault {
  /** The fault; completes "break it: ...". */
  readonly what: string;
  /** Causes the fault without kube-rescue's code. */
  breakCluster(cluster: SelfHostedCluster, deps: LabDeps): Promise<void>;
  /** Proves the fault. */
  proveFault(cluster: SelfHostedCluster, deps: LabDeps): Promise<readonly Proof[]>;
}
