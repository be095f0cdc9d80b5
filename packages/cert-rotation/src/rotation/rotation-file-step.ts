import { isKnownWrong } from '@kube-rescue/errors';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
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

/** A stage step whose state is read by `observe`. */
interface FileStageInput<S> {
  readonly id: StepId;
  readonly title: string;
  readonly requires: readonly StepId[];
  /** Reads the files again at each call. */
  readonly observe: () => Promise<S>;
  readonly inspect: (observed: S) => Promise<StageStatus>;
  readonly verify: (observed: S) => Promise<Verdict>;
  /** What is rotated, for messages. */
  readonly nameOf: (observed: S) => string;
  readonly subjectOf: (observed: S) => HostPath;
}

/** Makes a step that changes the files of this node for one stage of a rotation, all as one unit. */
export function createFileStageStep<S>(
  step: FileStageInput<S>,
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Step<RotationFinding> {
  return {
    id: step.id,
    title: step.title,
    requires: step.requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const observed = await step.observe();
        return toFinding(await step.inspect(observed), step.nameOf(observed), step.subjectOf(observed));
      } catch (error) {
        return toErrorFinding(error, signal, isKnownWrong);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal) => {
      const status = await step.inspect(await step.observe());
      if (!('makeEdits' in status)) throw new Error(`${step.id} needs no change although it was planned`);
      const edits = await proveEdits(await status.makeEdits(), host);
      const materials = new Map(edits.map(({ change, material }) => [change.target, material]));
      await journal.perform(changes.map((change) => ({ change, material: materials.get(change.target) })));
    },
    verify: async () => step.verify(await step.observe()),
  };
}

/** The same for a stage of the rotation of a CA. */
export function createStageStep(step: StageStepInput, context: RotationContext): Step<RotationFinding> {
  const { ca, host } = context;
  const { id, title, requires } = step;
  return createFileStageStep(
    {
      id,
      title,
      requires,
      observe: async () => {
        const input = await context.inspection();
        return { input, state: await inspectRotation(ca, input, { host }) };
      },
      inspect: ({ state, input }) => step.inspect(state, input),
      verify: ({ state, input }) => step.verify(state, input),
      nameOf: ({ state }) => state.entry.definition.name,
      subjectOf: ({ state }) => state.files.certificate,
    },
    context,
  );
}

function toFinding(status: StageStatus, name: string, subject: HostPath): RotationFinding {
  if ('done' in status) return { status: 'ok', summary: status.done, evidence: [], changes: [] };
  if ('needed' in status) {
    return { status: 'needed', summary: status.needed, evidence: status.evidence, changes: status.changes };
  }
  const base = { status: 'blocked', evidence: [], changes: [], subject } as const;
  if ('waitsFor' in status) {
    return { ...base, summary: status.reason, code: 'PKI_ROTATION_STAGE', waitsFor: status.waitsFor };
  }
  const { code, reason, hint } = status.blocked;
  return { ...base, summary: `${name}: ${reason}`, code, hint };
}
