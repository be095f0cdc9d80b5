import {
  type CaId,
  inspectRotation,
  type RenewalOptions,
  type RotationContext,
  type RotationStage,
  type RotationState,
  type RotationStepOptions,
  stageStepIds,
} from '@kube-rescue/cert-rotation';
import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import { describeNode, type NodeDeps, type NodeDescription, type NodeOptions } from '@kube-rescue/node';

/** The stages in their order. */
export const ROTATION_STAGES = ['trust', 'issue', 'drop'] as const;

export type RotationStageName = (typeof ROTATION_STAGES)[number];

/** What the rotation of an authority to a new key goes by. */
export interface RotationInput
  extends NodeOptions,
    Pick<RenewalOptions, 'newKeys' | 'days'>,
    Pick<RotationStepOptions, 'caDays' | 'keyAlgorithm'> {
  readonly ca: CaId;
  readonly stages: readonly RotationStageName[];
  /** A run that was cut off after its rotation had begun is gone on with: none is begun anew. Default: false. */
  readonly hasBegun?: boolean | undefined;
  /** Other nodes were made ready for the stage, or there are none that matter. Default: false, they are looked for. */
  readonly nodesReady?: boolean | undefined;
  /** Starts the pods anew that hold the CA as it was, in a rolling way. Default: false, they are named. */
  readonly restartPods?: boolean | undefined;
}

export interface RotationDeps extends NodeDeps {
  /** The way to the cluster's objects, while the API server works: through it. */
  readonly objects: ObjectAccess;
  /** Closes what `objects` has opened, so that it is opened anew with the credentials as they are by then. */
  readonly reconnect: () => Promise<void>;
}

/** A node and how far the rotation has come on it, both looked at afresh. */
export interface RotationStatus {
  readonly node: NodeDescription;
  readonly state: RotationState;
}

export async function inspectRotationOfNode(input: RotationInput, deps: NodeDeps): Promise<RotationStatus> {
  const node = await describeNode(input, deps);
  return { node, state: await inspectRotation(input.ca, node.inspection, deps) };
}

/** The step of a stage that changes the files of an authority. */
export function rotationStepId(ca: CaId, stage: RotationStageName): string {
  return stageStepIds(ca)[stage];
}

export function rotationPlaybookId(ca: CaId): string {
  return `certs-rotate-ca-${ca}`;
}

/** Whether this run may begin a rotation. */
export function mayBegin({ stages, hasBegun = false }: RotationInput): boolean {
  return stages.includes('trust') && !hasBegun;
}

/** Whether the files of this node have still to be changed for a stage, as far as this run will do it. */
export function isStageDue(stage: RotationStageName, found: RotationStage, input: RotationInput): boolean {
  if (stage === 'trust') return found === 'settled' && mayBegin(input);
  return stage === 'issue' ? found === 'trust' : found === 'issue';
}

export function contextOf(input: RotationInput, deps: NodeDeps): RotationContext {
  return {
    ca: input.ca,
    inspection: async () => (await describeNode(input, deps)).inspection,
    host: deps.host,
    clock: deps.clock,
  };
}
