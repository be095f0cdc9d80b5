import type { KubernetesReleaseName } from '@kube-rescue/lab';

/** One comparison, measured in the same run. */
export interface BenchRow {
  /** The measurement, for example `seconds to a ready API`. */
  readonly what: string;
  /** The baseline, for example `kubeadm certs renew all, manifests out and back`. */
  readonly peerName: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: 's' | 'MiB' | 'requests';
  /** The limit of `ours / peer`; `undefined` without a target. */
  readonly target: number | undefined;
}

export interface BenchResult {
  readonly name: string;
  readonly rows: readonly BenchRow[];
}

/** What the operator of a benchmark gives it. */
export interface BenchOptions {
  /** The directory of a checkout of another commit, built, to be measured in the same run. Default: none. */
  readonly baseline?: string | undefined;
  /** The version of Kubernetes of the cluster, for benchmarks that run on more than one. Default: the benchmark's own. */
  readonly kubernetes?: KubernetesReleaseName | undefined;
}

/** The median of some measurements. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}
