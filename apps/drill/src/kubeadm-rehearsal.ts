import type { Cluster, ClusterScenario, LabDeps, Proof } from '@kube-rescue/lab';
import type { Stopwatch } from './stopwatch.ts';

/** A running drill on a kubeadm cluster. */
export interface KubeadmRehearsal {
  readonly cluster: Cluster;
  readonly lab: typeof import('@kube-rescue/lab');
  readonly scenario: ClusterScenario;
  readonly deps: LabDeps & { readonly signal: AbortSignal };
  readonly watch: Stopwatch;
  readonly proofs: Proof[];
  readonly onLine: (line: string) => void;
  /** The argv of kube-rescue on the nodes. Default: the npm package. */
  readonly program?: readonly string[] | undefined;
  /** Several control planes are recovered from the first, over SSH. Default: on each. */
  readonly overSsh?: boolean | undefined;
}
