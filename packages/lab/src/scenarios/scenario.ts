import type { Cluster, ClusterInput } from '../cluster/cluster.ts';
import type { LabDeps } from '../cluster/deps.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import type { Proof } from '../proofs/proof.ts';

export interface ProveLifeInput {
  /** When the cluster was broken: what is alive must have been started since. */
  readonly since: Date;
  /** How long the API server is watched, in milliseconds. Default: as long as the scenario thinks fit. */
  readonly stableMs?: number | undefined;
}

/** A way in which a cluster dies, and how one sees that it is dead and that it lives. */
export interface ClusterScenario<C extends LabCluster = Cluster> {
  /** What happens to the cluster; completes "break it: ...". */
  readonly what: string;
  /** Starts a healthy cluster of the kind that this happens to; see `createCluster` and `createSelfHostedCluster`. */
  createCluster(input: ClusterInput, deps: LabDeps): Promise<C>;
  /** Breaks a healthy cluster with tools that are not kube-rescue's, and restarts its machines. */
  breakCluster(cluster: C, deps: LabDeps): Promise<void>;
  /** Looks whether the cluster is really dead, before anybody takes the credit for bringing it back. */
  proveDeath(cluster: C, deps: LabDeps): Promise<readonly Proof[]>;
  /** Walks into what a recovery by hand would walk into, where there is such a thing. Takes minutes; leaves it dead. */
  proveTrap?(cluster: C, deps: LabDeps): Promise<readonly Proof[]>;
  /** Looks whether the cluster is alive, by effects rather than by what it says of itself. */
  proveLife(cluster: C, input: ProveLifeInput, deps: LabDeps): Promise<readonly Proof[]>;
  /** What `kube-rescue recover` is told about this incident, beside `--yes`. Default: nothing. */
  readonly recoverFlags?: readonly string[];
}
