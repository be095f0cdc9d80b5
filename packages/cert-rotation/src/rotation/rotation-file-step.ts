import { isKnownWrong } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import {
  type Change,
  type Edit,
  type Finding,
  type Step,
  type StepId,
  toErrorFinding,
  type Verdict,
} from '@kube-rescue/workflow';
import type { CaId } from '../inventory/catalogue.ts';
import type { InspectionInput } from '../inventory/inventory.ts';
import { inspectRotation, type RotationHost, type RotationState } from './rotation-state.ts';

export interface RotationFinding extends Finding {
  readonly changes: readonly Change[];
}

/** What the rotation of one authority goes by. */
export interface RotationContext {
  readonly ca: CaId;
  /** Asked for at each look, because a stage changes the flags of components. */
  readonly inspection: () => Promise<InspectionInput>;
  readonly host: RotationHost;
  readonly clock: Pick<Clock, 'now'>;
}

/** What one look at a stage leads to. */
export type StageStatus =
  | { readonly done: string }
  | { readonly waitsFor: readonly StepId[]; readonly reason: string }
  | { readonly blocked: { readonly code: string; readonly reason: string; readonly hint: string } }
  | {
      readonly needed: string;
      readonly evidence: readonly string[];
      readonly changes: readonly Change[];
      /** The bytes to write, made when they are written. */
      readonly makeEdits: () => Promise<readonly Edit[]>;
    };

export interface StageStepInput {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
  readonly look: (state: RotationState, input: InspectionInput) => Promise<StageStatus>;
  /** A fresh look at the files. */
  readonly verify: (state: RotationState, input: InspectionInput) => Promise<Verdict>;
}

/** A step that changes files of this node for one stage of a rotation, all of them as one unit. */
export function createStageStep(step: StageStepInput, context: RotationContext): Step<RotationFinding> {
  const { ca, host } = context;
  const observe = async (): Promise<{ state: RotationState; input: InspectionInput }> => {
    const input = await context.inspection();
    return { input, state: await inspectRotation(ca, input, { host }) };
  };
  return {
    id: step.id,
    title: step.title,
    requires: step.requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { state, input } = await observe();
        return toFinding(await step.look(state, input), state);
      } catch (error) {
        return toErrorFinding(error, signal, isKnownWrong);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const { state, input } = await observe();
      const look = await step.look(state, input);
      if (!('makeEdits' in look)) throw new Error(`${step.id} found nothing to do after it was planned`);
      const edits = await look.makeEdits();
      const materials = new Map(edits.map(({ change, material }) => [change.target, material]));
      await journal.perform(changes.map((change) => ({ change, material: materials.get(change.target) })));
    },
    verify: async () => {
      const { state, input } = await observe();
      return step.verify(state, input);
    },
  };
}

function toFinding(look: StageStatus, { entry, files }: RotationState): RotationFinding {
  if ('done' in look) return { status: 'ok', summary: look.done, evidence: [], changes: [] };
  if ('needed' in look) {
    return { status: 'needed', summary: look.needed, evidence: look.evidence, changes: look.changes };
  }
  const base = { status: 'blocked', evidence: [], changes: [], subject: files.certificate } as const;
  if ('waitsFor' in look) {
    return { ...base, summary: look.reason, code: 'PKI_ROTATION_STAGE', waitsFor: look.waitsFor };
  }
  const { code, reason, hint } = look.blocked;
  return { ...base, summary: `${entry.definition.name}: ${reason}`, code, hint };
}
