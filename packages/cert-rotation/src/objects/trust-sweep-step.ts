import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import type { Change, Edit, Finding, Step, StepId } from '@kube-rescue/workflow';
import type { AuthorityExchange } from './authority-exchange.ts';
import { type ObjectEdit, planTrustSweep, type TrustSweep } from './trust-sweep.ts';

export interface TrustSweepStepInput {
  /** For example `objects/trust/cluster-ca`. */
  readonly id: StepId;
  /** An imperative phrase. */
  readonly title: string;
  readonly requires?: readonly StepId[] | undefined;
  /** Asked for at each check, because the new authority may be made in the same run. */
  readonly exchange: (signal: AbortSignal) => Promise<AuthorityExchange>;
  /** See `SweepOptions`. Default: false. */
  readonly everywhere?: boolean | undefined;
}

export interface TrustSweepStepDeps {
  readonly clock: Pick<Clock, 'now'>;
  /** Opens the way to the objects for one action, and closes it. */
  readonly within: <T>(signal: AbortSignal, action: (store: Pick<ObjectStore, 'list'>) => Promise<T>) => Promise<T>;
  /** The same for `verify`, which should go another way than the one that was written through. Default: `within`. */
  readonly verifyWithin?: TrustSweepStepDeps['within'] | undefined;
  /** Makes a change of one edit, with the new content as its material: whoever owns `object.replace` knows how. */
  readonly toChange: (edit: ObjectEdit) => Edit;
}

export interface TrustSweepFinding extends Finding {
  readonly changes: readonly Change[];
}

const EVIDENCE_LINES = 20;

/**
 * A step by which the cluster's objects trust another certificate in place of an old authority, each by compare-and-swap on
 * what was read. Planned anew when the objects have changed meanwhile.
 *
 * Does not keep a living kube-controller-manager from writing what it is told to by `--root-ca-file`: change that file first.
 */
export function createTrustSweepStep(input: TrustSweepStepInput, deps: TrustSweepStepDeps): Step<TrustSweepFinding> {
  const { id, title, requires = [], everywhere } = input;
  const planned = new Map<string, Edit>();
  const sweep = async (within: TrustSweepStepDeps['within'], signal: AbortSignal): Promise<TrustSweep> => {
    const exchange = await input.exchange(signal);
    return within(signal, (store) => planTrustSweep({ store, exchange, everywhere, now: deps.clock.now(), signal }));
  };
  return {
    id,
    title,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { edits, leftAlone } = await sweep(deps.within, signal);
        const evidence = [...describeEdits(edits), ...describeLeftAlone({ leftAlone })];
        planned.clear();
        const changes = edits.map((edit) => {
          const made = deps.toChange(edit);
          planned.set(made.change.target, made);
          return made.change;
        });
        if (changes.length === 0) {
          return { status: 'ok', summary: 'no object trusts the old authority', evidence, changes };
        }
        const summary = `${changes.length} object${changes.length === 1 ? '' : 's'} must trust another certificate`;
        return { status: 'needed', summary, evidence, changes };
      } catch (error) {
        if (!isRecoveryError(error)) throw error;
        const { code, message, subject, hint } = error;
        return { status: 'unknown', summary: message, evidence: [], changes: [], code, subject, hint };
      }
    },
    plan: ({ changes }) => changes,
    apply: (changes, journal) =>
      journal.perform(changes.map((change) => ({ change, material: planned.get(change.target)?.material }))),
    verify: async (signal) => {
      const { edits, leftAlone } = await sweep(deps.verifyWithin ?? deps.within, signal);
      if (edits.length > 0) {
        const reason = `somebody else writes the old authority: ${describeEdits(edits).join('; ')}`;
        return { verified: false, reason, hint: "check kube-controller-manager's --root-ca-file" };
      }
      const [warning] = leftAlone.length === 0 ? [] : [describeLeftAlone({ leftAlone }).join('; ')];
      return { verified: true, evidence: ['no object that was to be changed trusts the old authority alone'], warning };
    },
  };
}

function describeEdits(edits: readonly ObjectEdit[]): readonly string[] {
  const lines = edits.map(({ read: { kind, object }, edits: each }) => {
    const { name, namespace } = object.metadata;
    return `${kind.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}: ${each.join(', ')}`;
  });
  return shorten(lines);
}

function describeLeftAlone({ leftAlone }: Pick<TrustSweep, 'leftAlone'>): readonly string[] {
  return shorten(leftAlone.map(({ place, reason }) => `${place} is left alone: ${reason}`));
}

function shorten(lines: readonly string[]): readonly string[] {
  if (lines.length <= EVIDENCE_LINES) return lines;
  return [...lines.slice(0, EVIDENCE_LINES), `and ${lines.length - EVIDENCE_LINES} more`];
}
