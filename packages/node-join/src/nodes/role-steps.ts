import { fieldsAt, listAt } from '@kube-rescue/cluster-objects';
import type { Step, StepId } from '@kube-rescue/workflow';
import { createNodeEditStep, type NodeEditFinding, type NodeEditStepDeps, stepName } from './node-edit-step.ts';
import { labelsOf, taintsOf } from './node-object.ts';
import { type RoleSources, wantedLabels, wantedTaints } from './node-roles.ts';
import { formatTaint, isSameLocation, type Taint } from './taint.ts';

export interface RoleStepInput {
  /** Name of the Node. */
  readonly node: string;
  readonly sources: RoleSources;
  readonly requires?: readonly StepId[] | undefined;
}

/**
 * Restores lost taints of a Node; present taints stay.
 *
 * Does not move pods: `NoSchedule` only keeps new pods away. Step id: `nodes/taints/NODE`.
 */
export function createTaintStep(
  { node, sources, requires = [] }: RoleStepInput,
  deps: NodeEditStepDeps,
): Step<NodeEditFinding> {
  return createNodeEditStep(
    {
      id: `nodes/taints/${stepName(node)}`,
      title: `restore the taints of ${node}`,
      node,
      requires,
      edit: (object) => {
        const present = taintsOf(object);
        const lost = wantedTaints(object, sources).filter(({ value, isAsked }) => {
          const there = present.find((each) => isSameLocation(each, value));
          return there === undefined || (isAsked && (there.value ?? '') !== (value.value ?? ''));
        });
        if (lost.length === 0) return undefined;
        const kept = listAt(object.spec, 'taints').filter((each) => {
          return !lost.some(({ value }) => isSameLocation(each as unknown as Taint, value));
        });
        const taints = [...kept, ...lost.map(({ value }) => value)];
        return {
          next: { ...object, spec: { ...fieldsAt(object, 'spec'), taints } },
          edits: lost.map(({ value }) => `taint ${formatTaint(value)}`),
          evidence: lost.map(({ value, source }) => `taint ${formatTaint(value)} is missing: ${source}`),
        };
      },
    },
    deps,
  );
}

/** Restores lost labels of a Node; present labels stay. Step id: `nodes/labels/NODE`. */
export function createLabelStep(
  { node, sources, requires = [] }: RoleStepInput,
  deps: NodeEditStepDeps,
): Step<NodeEditFinding> {
  return createNodeEditStep(
    {
      id: `nodes/labels/${stepName(node)}`,
      title: `restore the labels of ${node}`,
      node,
      requires,
      edit: (object) => {
        const present = labelsOf(object);
        const lost = wantedLabels(sources).filter(({ value: [key, value], isAsked }) => {
          return !Object.hasOwn(present, key) || (isAsked && present[key] !== value);
        });
        if (lost.length === 0) return undefined;
        const labels = { ...present, ...Object.fromEntries(lost.map(({ value }) => value)) };
        return {
          next: { ...object, metadata: { ...object.metadata, labels } },
          edits: lost.map(({ value: [key, value] }) => `label ${key}=${value}`),
          evidence: lost.map(({ value: [key, value], source }) => `label ${key}=${value} is missing: ${source}`),
        };
      },
    },
    deps,
  );
}
