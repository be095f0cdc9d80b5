import { type ObjectAccess, type ObjectStore, replaceEdit } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import {
  type Change,
  type Edit,
  type Finding,
  type Step,
  type StepId,
  type StepJournal,
  toErrorFinding,
} from '@kube-rescue/workflow';
import type { CaExchange } from '../objects/ca-exchange.ts';
import { type ObjectEdit, planTrustSweep, type TrustSweep } from '../objects/trust-sweep.ts';

export interface ObjectTrustInput {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
  /** What is to be exchanged for what, asked for at each look. None: nothing is to be done. */
  readonly findExchanges: (store: ObjectStore, signal: AbortSignal) => Promise<readonly CaExchange[]>;
  /** Also in Secrets and ConfigMaps that belong to workloads. Default: false, they are told of. */
  readonly everywhere?: boolean | undefined;
  /** How long what was written must stay so, because others write there too, in ms. Default: 0. */
  readonly settleMs?: number | undefined;
}

export interface ObjectTrustDeps {
  readonly objects: ObjectAccess;
  readonly clock: Clock;
}

interface ObjectTrustFinding extends Finding {
  readonly changes: readonly Change[];
}

const TRIES = 16;
const LINES = 20;
/** Somebody else (kube-controller-manager, the API server) wrote between the look and the write: look again. */
const RACES = ['PLAN_STALE', 'OBJECT_CONFLICT'] as const;

/**
 * A step by which the cluster's objects trust what an authority is exchanged for, each by compare-and-swap. Where somebody else
 * writes at the same moment, it looks again.
 *
 * What belongs to workloads, and what is immutable, is left alone and told of.
 */
export function createObjectTrustStep(input: ObjectTrustInput, deps: ObjectTrustDeps): Step<ObjectTrustFinding> {
  const { id, title, requires, everywhere, settleMs = 0 } = input;
  const { objects, clock } = deps;
  const sweep = async (signal: AbortSignal): Promise<TrustSweep> => {
    const store = await objects.open(signal);
    const edits: ObjectEdit[] = [];
    const leftAlone: TrustSweep['leftAlone'][number][] = [];
    for (const exchange of await input.findExchanges(store, signal)) {
      const swept = await planTrustSweep({ store, exchange, everywhere, now: clock.now(), signal });
      edits.push(...swept.edits);
      leftAlone.push(...swept.leftAlone);
    }
    return { edits: firstOfEach(edits), leftAlone };
  };
  const toEdit = ({ read, edited, edits }: ObjectEdit): Edit => replaceEdit(objects.source, read, edited, edits);
  return {
    id,
    title,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { edits, leftAlone } = await sweep(signal);
        const evidence = [...describeEdits(edits), ...describeLeftAlone(leftAlone)];
        if (edits.length === 0) {
          return { status: 'ok', summary: 'every object trusts what it has to', evidence, changes: [] };
        }
        const summary = `${edits.length} object${edits.length === 1 ? '' : 's'} must trust another CA`;
        return { status: 'needed', summary, evidence, changes: edits.map((edit) => toEdit(edit).change) };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (_changes, journal, signal) => {
      // A pass edits an object for one exchange; another may be about the same object.
      for (let left = TRIES; left > 0; left -= 1) {
        const { edits } = await sweep(signal);
        if (edits.length === 0) return;
        const isMade = await performUnraced(edits.map(toEdit), journal, left);
        if (!isMade) await clock.sleep(500, signal);
      }
    },
    verify: async (signal) => {
      if (settleMs > 0) await clock.sleep(settleMs, signal);
      const { edits, leftAlone } = await sweep(signal);
      if (edits.length > 0) {
        const reason = `somebody else writes the CA as it was: ${describeEdits(edits).join('; ')}`;
        return {
          verified: false,
          reason,
          hint: 'find out who holds the old CA still: an API server or a controller manager',
        };
      }
      const warnings = describeLeftAlone(leftAlone);
      return {
        verified: true,
        evidence: ['every object that the cluster itself keeps trusts what it has to'],
        ...(warnings.length === 0 ? {} : { warnings }),
      };
    },
  };
}

async function performUnraced(edits: readonly Edit[], journal: StepJournal, triesLeft: number): Promise<boolean> {
  try {
    await journal.perform(edits);
    return true;
  } catch (error) {
    if (triesLeft <= 1 || !isRecoveryError(error, ...RACES)) throw error;
    return false;
  }
}

/** An object that two exchanges are about is changed by the one, and looked at again for the other. */
function firstOfEach(edits: readonly ObjectEdit[]): readonly ObjectEdit[] {
  const key = ({ read: { kind, object } }: ObjectEdit): string =>
    `${kind.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  return [...new Map(edits.toReversed().map((edit) => [key(edit), edit])).values()];
}

function describeEdits(edits: readonly ObjectEdit[]): readonly string[] {
  return shorten(
    edits.map(({ read: { kind, object }, edits: each }) => {
      const { name, namespace } = object.metadata;
      return `${kind.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}: ${each.join(', ')}`;
    }),
  );
}

function describeLeftAlone(leftAlone: TrustSweep['leftAlone']): readonly string[] {
  return shorten(leftAlone.map(({ place, reason }) => `${place} is left alone: ${reason}`));
}

function shorten(lines: readonly string[]): readonly string[] {
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `and ${lines.length - LINES} more`];
}
