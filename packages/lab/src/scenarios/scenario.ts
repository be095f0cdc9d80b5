import type { Cluster } from '../cluster.ts';
import type { LabDeps } from '../deps.ts';
import type { Proof } from '../proof.ts';

export interface ProveLifeInput {
  /** When the cluster was broken: what is alive must have been started since. */
  readonly since: Date;
}

/** A way in which a cluster dies, and how one sees that it is dead and that it lives. */
export interface ClusterScenario {
  /** What happens to the cluster; completes "break it: ...". */
  readonly what: string;
  /** Breaks a healthy cluster with tools that are not kube-rescue's, and restarts its machine. */
  breakCluster(cluster: Cluster, deps: LabDeps): Promise<void>;
  /** Looks whether the cluster is really dead, before anybody takes the credit for bringing it back. */
  proveDeath(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]>;
  /** Looks whether the cluster is alive, by effects rather than by what it says of itself. */
  proveLife(cluster: Cluster, input: ProveLifeInput, deps: LabDeps): Promise<readonly Proof[]>;
}
