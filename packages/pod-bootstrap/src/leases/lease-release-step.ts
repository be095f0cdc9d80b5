import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { type Change, type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import type { ControlPlaneComponent } from '../controllers/component.ts';
import { type HolderMachine, judgeHolder, type LockWatch } from './ended-holder.ts';
import { type Leader, type LeaderLock, readLeaders } from './leader-election.ts';
import { leaseRelease } from './lease-release-kind.ts';

/** A lock, and the component that elects a leader by it. */
export interface ElectedComponent {
  readonly component: ControlPlaneComponent;
  readonly lock: LeaderLock;
  /** The namespace of its pods. */
  readonly podNamespace: string;
}

export interface LeaseReleaseInput {
  /** Called at each check and verification. */
  readonly elected: (signal: AbortSignal) => Promise<readonly ElectedComponent[]>;
  readonly machine: HolderMachine;
  readonly watch: LockWatch;
  /** Default: `pods/leader-locks`. */
  readonly id?: StepId | undefined;
  readonly requires?: readonly StepId[] | undefined;
}

export interface LeaseReleaseDeps {
  readonly access: ObjectAccess;
  readonly clock: Clock;
}

interface ReleaseFinding extends Finding {
  readonly changes: readonly Change[];
}

/** Releases of locks whose holders have ended, and what was seen of every lock. */
interface Ended {
  readonly changes: readonly Change[];
  readonly evidence: readonly string[];
}

/**
 * A step that takes leader locks from holders that have ended ({@link judgeHolder}), so that the next candidate leads at once instead
 * of after 15 seconds. A lock whose holder may run is left alone.
 *
 * `unknown` while the objects cannot be read; cannot be rolled back.
 */
export function createLeaseReleaseStep(
  { elected, machine, watch, id = 'pods/leader-locks', requires = [] }: LeaseReleaseInput,
  { access, clock }: LeaseReleaseDeps,
): Step<ReleaseFinding> {
  const findEnded = async (signal: AbortSignal): Promise<Ended> => {
    const store = await access.open(signal);
    const changes: Change[] = [];
    const evidence: string[] = [];
    for (const { component, lock, podNamespace } of await elected(signal)) {
      const leaders = await readLeaders(lock, { store, clock }, signal);
      const [leader] = leaders;
      if (leader === undefined) continue;
      const deps = { store, clock, machine, watch };
      const judgement = await judgeHolder({ leader, component, podNamespace }, deps, signal);
      if ('running' in judgement) {
        evidence.push(`${leader.lock} is left to ${leader.holder}: ${judgement.running}`);
      } else {
        evidence.push(judgement.ended);
        changes.push(...leaders.filter(isOf(leader)).map((each) => leaseRelease(lock, each, access.source)));
      }
    }
    return { changes, evidence };
  };
  return {
    id,
    title: 'take leader locks from controllers that have ended',
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        const { changes, evidence } = await findEnded(signal);
        return changes.length === 0
          ? { status: 'ok', summary: 'no ended controller holds a leader lock', evidence, changes }
          : { status: 'needed', summary: `${changes.length} leader lock(s) of ended holders`, evidence, changes };
      } catch (error) {
        return { ...toErrorFinding(error, signal), waitsFor: requires };
      }
    },
    plan: ({ changes }) => changes,
    apply: (changes, journal) => journal.perform(changes.map((change) => ({ change }))),
    verify: async (signal) => {
      const { changes, evidence } = await findEnded(signal);
      if (changes.length === 0)
        return { verified: true, evidence: ['no ended controller holds a leader lock', ...evidence] };
      const left = changes.map(({ target }) => target).join(', ');
      return { verified: false, reason: `still held by an ended holder: ${left}`, hint: 'run the command again' };
    },
  };
}

/** Two locks of one component (`endpointsleases`) are released together. */
function isOf({ holder }: Leader): (other: Leader) => boolean {
  return (other) => other.holder === holder;
}
