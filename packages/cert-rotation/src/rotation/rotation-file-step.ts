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
import { proveEdits } from '../renewal/written-content.ts';
import { inspectRotation, type RotationHost, type RotationState } from './rotation-state.ts';

export interface RotationFinding extends Finding {
  readonly changes: readonly Change[];
}

/** The input of the rotation steps of one CA. */
export interface RotationContext {
  readonly ca: CaId;
  /** Called at each check, because a stage changes the flags of components. */
  readonly inspection: () => Promise<InspectionInput>;
  readonly host: RotationHost;
  readonly clock: Pick<Clock, 'now'>;
}

/** The state of one stage and the changes that it needs. */
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
  readonly inspect: (state: RotationState, input: InspectionInput) => Promise<StageStatus>;
  /** Reads the files again. */
  readonly verify: (state: RotationState, input: InspectionInput) => Promise<Verdict>;
}

/** Makes a step that changes the files of this node for one stage of a rotation, all as one unit. */
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
        return toFinding(await step.inspect(state, input), state);
      } catch (error) {
        return toErrorFinding(error, signal, isKnownWrong);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const { state, input } = await observe();
      const status = await step.inspect(state, input);
      if (!('makeEdits' in status)) throw new Error(`${step.id} needs no change although it was planned`);
      const edits = await proveEdits(await status.makeEdits(), host);
      const materials = new Map(edits.map(({ change, material }) => [change.target, material]));
      await journal.perform(changes.map((change) => ({ change, material: materials.get(change.target) })));
    },
    verify: async () => {
      const { state, input } = await observe();
      return step.verify(state, input);
    },
  };
}

function toFinding(status: StageStatus, { entry, files }: RotationState): RotationFinding {
  if ('done' in status) return { status: 'ok', summary: status.done, evidence: [], changes: [] };
  if ('needed' in status) {
    return { status: 'needed', summary: status.needed, evidence: status.evidence, changes: status.changes };
  }
  const base = { status: 'blocked', evidence: [], changes: [], subject: files.certificate } as const;
  if ('waitsFor' in status) {
    return { ...base, summary: status.reason, code: 'PKI_ROTATION_STAGE', waitsFor: status.waitsFor };
  }
  const { code, reason, hint } = status.blocked;
  return { ...base, summary: `${entry.definition.name}: ${reason}`, code, hint };
}
