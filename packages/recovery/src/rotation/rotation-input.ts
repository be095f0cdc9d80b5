import type { CaId, RenewalOptions } from '@kube-rescue/cert-rotation';
import {
  inspectRotation,
  type RotationContext,
  type RotationStage,
  type RotationState,
  type RotationStepOptions,
  stageStepIds,
} from '@kube-rescue/cert-rotation/rotation';
import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Node, NodeDescription } from '@kube-rescue/node';

/** The stages in order. */
export const ROTATION_STAGES = ['trust', 'issue', 'drop'] as const;

export type RotationStageName = (typeof ROTATION_STAGES)[number];

/** The input of a CA rotation to a new key. */
export interface RotationInput
  extends Pick<RenewalOptions, 'newKeys' | 'days'>,
    Pick<RotationStepOptions, 'caDays' | 'keyAlgorithm'> {
  readonly ca: CaId;
  readonly stages: readonly RotationStageName[];
  /** Resumes a run whose rotation had begun: starts no other rotation. Default: false. */
  readonly hasBegun?: boolean | undefined;
  /** The operator asserts that the other nodes are prepared for the stage. Default: false, other nodes block it. */
  readonly nodesReady?: boolean | undefined;
  /** Restarts the pods that hold the old CA, one at a time. Default: false, they are listed. */
  readonly restartPods?: boolean | undefined;
}

/** The objects of the cluster through its API server, which serves throughout a rotation. */
export function accessObjects(node: Node): ObjectAccess {
  return node.objects.access({ via: 'api', search: {} });
}

/** A node and the state of the rotation on it, both read again. */
export interface RotationStatus {
  readonly node: NodeDescription;
  readonly state: RotationState;
}

export async function inspectRotationOfNode(input: Pick<RotationInput, 'ca'>, node: Node): Promise<RotationStatus> {
  const description = await node.describe();
  return { node: description, state: await inspectRotation(input.ca, description.inspection, node) };
}

/** The ID of the step that changes the files of a CA in a stage. */
export function rotationStepId(ca: CaId, stage: RotationStageName): string {
  return stageStepIds(ca)[stage];
}

export function rotationPlaybookId(ca: CaId): string {
  return `certs-rotate-ca-${ca}`;
}

/** Whether this run may start a rotation. */
export function mayBegin({ stages, hasBegun = false }: RotationInput): boolean {
  return stages.includes('trust') && !hasBegun;
}

/** Whether this run still has to change files of this node for a stage. */
export function isStageDue(stage: RotationStageName, found: RotationStage, input: RotationInput): boolean {
  if (stage === 'trust') return found === 'settled' && mayBegin(input);
  return stage === 'issue' ? found === 'trust' : found === 'issue';
}

export function contextOf(input: RotationInput, node: Node): RotationContext {
  return {
    ca: input.ca,
    inspection: async () => (await node.describe()).inspection,
    host: node.host,
    clock: node.clock,
  };
}
