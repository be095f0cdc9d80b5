import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Host, HostPath } from '@kube-rescue/host';
import { type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import { isApiServerDown } from './api-window.ts';
import type { CheckpointFinding } from './contents-step.ts';
import { planParents } from './parent-guard.ts';

export interface CheckpointParentsInput {
  readonly requires: readonly StepId[];
  /** The static pod directory of the kubelet. */
  readonly directory: HostPath;
  /** The steps that make the objects reachable. Default: none. */
  readonly waitsFor?: readonly StepId[] | undefined;
}

/**
 * Restores the pod objects of checkpointed pods that the cluster has lost. Run it before any API server can start: without
 * these objects, the checkpointer deletes, after its grace period of a minute, the cached Secrets and every
 * manifest that could start an API server again.
 */
export function createCheckpointParentsStep(
  input: CheckpointParentsInput,
  deps: { readonly host: Pick<Host, 'readFile' | 'stat' | 'list'>; readonly objects: ObjectAccess },
): Step<CheckpointFinding> {
  return {
    id: 'checkpoint/parents',
    title: 'restore the pod objects that the checkpointer needs to keep its checkpoints',
    requires: input.requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const { edits, evidence, lost } = await planParents(input, deps, signal);
        if (lost.length > 0) return cannotMake(lost, evidence);
        const changes = edits.map(({ change }) => change);
        if (edits.length === 0) {
          return { status: 'ok', summary: 'every checkpoint has its parent in the cluster', evidence, changes };
        }
        const names = changes.map(({ target }) => target).join(', ');
        return { status: 'needed', summary: `the cluster has lost ${names}`, evidence, changes };
      } catch (error) {
        signal.throwIfAborted();
        if (isApiServerDown(error, deps.objects)) return later();
        return { ...toErrorFinding(error, signal), waitsFor: input.waitsFor ?? [] };
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const { edits } = await planParents(input, deps, signal);
      const wanted = edits.filter(({ change }) => changes.some(({ target }) => target === change.target));
      if (wanted.length > 0) await journal.perform(wanted);
    },
    verify: async (signal) => {
      const { edits, lost } = await planParents(input, deps, signal);
      const left = [...edits.map(({ change }) => change.target), ...lost];
      if (left.length === 0) return { verified: true, evidence: ['every checkpoint has its parent in the cluster'] };
      return { verified: false, reason: `not in the cluster: ${left.join(', ')}` };
    },
  };
}

/** The checkpointer removes no checkpoint without an API server; a step that starts one locks the checkpointer out. */
function later(): CheckpointFinding {
  const summary = 'will be checked when the API server answers, with the checkpointer locked out';
  return { status: 'ok', summary, evidence: [], changes: [] };
}

function cannotMake(lost: readonly string[], evidence: readonly string[]): CheckpointFinding {
  return {
    ...{ status: 'blocked', summary: `${lost.join(', ')} cannot be recreated: no DaemonSet owns it`, evidence },
    ...{ code: 'CHECKPOINT_PARENT_LOST', subject: lost[0], changes: [] },
    hint: 'restore the DaemonSet first, or move the checkpoint out of the directory of inactive manifests',
  };
}
