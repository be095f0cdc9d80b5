import type { Cluster, ClusterInput } from '../cluster/cluster.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import type { Proof } from '../proofs/proof.ts';

export interface ProveLifeInput {
  /** When the cluster was broken: workloads must have restarted since. */
  readonly since: Date;
  /** When the recovery began: where there are several of a component, all have restarted since. Default: as `since`. */
  readonly recoverySince?: Date | undefined;
  /** How long the API server is watched, in milliseconds. Default: depends on the scenario. */
  readonly stableMs?: number | undefined;
}

/** A method to break a cluster, with proofs that the cluster is down and that it works again. */
export interface ClusterScenario<C extends LabCluster = Cluster> {
  /** The damage; completes "break it: ...". */
  readonly what: string;
  /** `createCluster` needs `addons`; see `provideAddonBinaries`. Default: false. */
  readonly needsAddons?: boolean;
  /** Proves that the cluster works before it is broken. Default: not proven. */
  proveHealth?(cluster: C, deps: LabDeps): Promise<readonly Proof[]>;
  /** Starts a healthy cluster of the kind that the scenario breaks; see `createCluster` and `createSelfHostedCluster`. */
  createCluster(input: ClusterInput, deps: LabDeps): Promise<C>;
  /** Breaks a healthy cluster without kube-rescue's code, and restarts its machines. */
  breakCluster(cluster: C, deps: LabDeps): Promise<void>;
  /** Proves that the cluster is down, before any recovery. */
  proveDeath(cluster: C, deps: LabDeps): Promise<readonly Proof[]>;
  /** Demonstrates the trap of a manual recovery, if there is one. Takes minutes; leaves the cluster down. */
  proveTrap?(cluster: C, deps: LabDeps): Promise<readonly Proof[]>;
  /** Proves that the cluster works, by effects rather than by its own status. */
  proveLife(cluster: C, input: ProveLifeInput, deps: LabDeps): Promise<readonly Proof[]>;
  /** Further flags of `kube-rescue recover` for this scenario, besides `--yes`. Default: none. */
  readonly recoverFlags?: readonly string[];
  /** The expired CAs are issued once, on the first node, and carried to all. Default: false. */
  readonly reissuesCas?: boolean;
  /** What mends it instead of `kube-rescue recover`. */
  readonly recovery?: {
    /** The words and flags for kube-rescue. */
    command(cluster: C): readonly string[];
    /** What is refused before it, each by its code. Default: nothing is tried. */
    refused?(
      cluster: C,
    ): readonly { readonly title: string; readonly words: readonly string[]; readonly code: string }[];
    /** It saves a snapshot of etcd first. */
    readonly takesSnapshot: boolean;
  };
}
