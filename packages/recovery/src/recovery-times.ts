import type { StepId } from '@kube-rescue/workflow';
import { API_STABLE } from './step-ids.ts';

/** A step that was verified, or needed nothing, and when. */
export interface EndedStep {
  readonly step: StepId;
  /** Seconds from the start of the run. */
  readonly endSeconds: number;
}

/** What people wait for, in seconds from the start of a recovery; `null` where the recovery did nothing for it. */
export interface RecoveryTimes {
  /** The API server answers, and is not about to be replaced. */
  readonly usableApi: number | null;
  /** New pods run: controllers and scheduler work, and the nodes are Ready. */
  readonly workloads: number | null;
  /** Every name of the ingress resolves and answers. */
  readonly service: number | null;
  /** Everything is proven to last. */
  readonly everything: number | null;
}

const SERVICE: StepId = 'dns/names';
const RUNS_PODS = /^(?:pods\/rescue\/|nodes\/join$|node\/ready$|control-plane\/.*-at-work$)/;

/** The times of a recovery by its steps. Pure. */
export function recoveryTimesOf(steps: readonly EndedStep[]): RecoveryTimes {
  const lastOf = (isWanted: (step: StepId) => boolean): number | null => {
    const ends = steps.filter(({ step }) => isWanted(step)).map(({ endSeconds }) => endSeconds);
    return ends.length === 0 ? null : Math.max(...ends);
  };
  const usableApi = lastOf((step) => step === API_STABLE);
  return {
    usableApi,
    // Without a step of the API server, the cluster worked before.
    workloads: usableApi === null ? null : lastOf((step) => RUNS_PODS.test(step)),
    service: lastOf((step) => step === SERVICE),
    everything: lastOf(() => true),
  };
}

/** The times in one line, in the order in which they are reached; empty when there is nothing to tell. */
export function describeRecoveryTimes(times: RecoveryTimes, format: (seconds: number) => string): string {
  const { usableApi, workloads, service, everything } = times;
  if (usableApi === null) return '';
  const parts = [
    ['API usable', usableApi],
    ['new pods', workloads],
    ['ingress names', service],
    ['everything proven', everything],
  ] as const;
  return parts.flatMap(([what, seconds]) => (seconds === null ? [] : [`${what} after ${format(seconds)}`])).join(', ');
}
