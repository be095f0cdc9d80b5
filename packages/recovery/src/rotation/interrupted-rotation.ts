import type { CaId } from '@kube-rescue/cert-rotation';
import type { Json, RunState } from '@kube-rescue/workflow';
import { ROTATION_STAGES, type RotationInput, rotationPlaybookId, rotationStepId } from './rotation-input.ts';

/** The input of a rotation; recorded in the header of its journal, read when the run is resumed. */
export interface RecordedRotation
  extends Required<Pick<RotationInput, 'stages'>>,
    Pick<RotationInput, 'newKeys' | 'nodesReady' | 'restartPods'> {}

export interface InterruptedRotation extends RecordedRotation {
  /** The run has already trusted a new CA. */
  readonly hasBegun: boolean;
}

/** The part of `input` that a resumed run needs, as JSON. */
export function recordRotation({ stages, newKeys, nodesReady, restartPods }: RecordedRotation): Json {
  return {
    command: 'certs rotate-ca',
    stages: [...stages],
    newKeys: newKeys === true,
    nodesReady: nodesReady === true,
    restartPods: restartPods === true,
  };
}

/**
 * The newest rotation of `ca`, when it has not completed; `undefined` otherwise.
 *
 * Journals of earlier versions do not record the input: their `stages` are empty, so the operator names the stage again.
 */
export function findInterruptedRotation(ca: CaId, runs: readonly RunState[]): InterruptedRotation | undefined {
  const run = runs.findLast(({ playbook }) => playbook === rotationPlaybookId(ca));
  if (run === undefined || run.outcome === 'done') return undefined;
  return { ...readRotation(run.input), hasBegun: run.applied.has(rotationStepId(ca, 'trust')) };
}

function readRotation(input: Json | undefined): RecordedRotation {
  const recorded =
    typeof input === 'object' && input !== null && !Array.isArray(input)
      ? new Map(Object.entries(input))
      : new Map<string, Json>();
  const stages = recorded.get('stages');
  return {
    stages: ROTATION_STAGES.filter((stage) => Array.isArray(stages) && stages.includes(stage)),
    newKeys: recorded.get('newKeys') === true,
    nodesReady: recorded.get('nodesReady') === true,
    restartPods: recorded.get('restartPods') === true,
  };
}
