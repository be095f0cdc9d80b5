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
import type { Node, NodeDescription } from '@kube-rescue/node';

/** The stages in their order. */
export const ROTATION_STAGES = ['trust', 'issue', 'drop'] as const;

export type RotationStageName = (typeof ROTATION_STAGES)[number];

/** What the rotation of an authority to a new key goes by. */
export interface RotationInput
  extends Pick<RenewalOptions, 'newKeys' | 'days'>,
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

/** The objects of the cluster through its API server, which works all the while. */
export function accessObjects(node: Node): ObjectAccess {
  return node.objects.access({ via: 'api', search: {} });
}

/** A node and how far the rotation has come on it, both looked at afresh. */
export interface RotationStatus {
  readonly node: NodeDescription;
  readonly state: RotationState;
}

export async function inspectRotationOfNode(input: Pick<RotationInput, 'ca'>, node: Node): Promise<RotationStatus> {
  const description = await node.describe();
  return { node: description, state: await inspectRotation(input.ca, description.inspection, node) };
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

export function contextOf(input: RotationInput, node: Node): RotationContext {
  return {
    ca: input.ca,
    inspection: async () => (await node.describe()).inspection,
    host: node.host,
    clock: node.clock,
  };
}
