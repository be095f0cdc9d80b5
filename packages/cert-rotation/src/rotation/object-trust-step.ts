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
  /** The CAs to exchange, found again at each check. Empty: no object has to change. */
  readonly findExchanges: (store: ObjectStore, signal: AbortSignal) => Promise<readonly CaExchange[]>;
  /** Also changes Secrets and ConfigMaps of workloads. Default: false, they are reported. */
  readonly everywhere?: boolean | undefined;
  /** How long the written objects must stay unchanged, because controllers write them too, in ms. Default: 0. */
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
/** Another client (kube-controller-manager, the API server) wrote between read and write: read again. */
const RACES = ['PLAN_STALE', 'OBJECT_CONFLICT'] as const;

/**
 * Makes the step that exchanges a CA in the cluster's objects, each by compare-and-swap. Reads an object again when another client
 * writes it at the same moment.
 *
 * Does not change objects of workloads, nor immutable objects: these are reported.
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
          return { status: 'ok', summary: 'every object trusts the required CAs', evidence, changes: [] };
        }
        const summary = `${edits.length} object${edits.length === 1 ? '' : 's'} must trust another CA`;
        return { status: 'needed', summary, evidence, changes: edits.map((edit) => toEdit(edit).change) };
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (_changes, journal, signal) => {
      // A pass edits an object for one exchange; the next pass edits it for another.
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
        const reason = `another client has restored the old CA: ${describeEdits(edits).join('; ')}`;
        return {
          verified: false,
          reason,
          hint: 'find the API server or kube-controller-manager that still holds the old CA, and restart it',
        };
      }
      const warnings = describeLeftAlone(leftAlone);
      return {
        verified: true,
        evidence: ['every object of the cluster itself trusts the required CAs'],
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

/** Keeps one edit of each object: an object of two exchanges is read again for the second. */
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
  return shorten(leftAlone.map(({ location, reason }) => `${location} is left alone: ${reason}`));
}

function shorten(lines: readonly string[]): readonly string[] {
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `and ${lines.length - LINES} more`];
}
