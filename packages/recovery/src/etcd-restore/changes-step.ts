import type { Change, Finding, Step } from '@kube-rescue/workflow';

/** Finding with the changes that the check has prepared. */
export interface ChangesFinding extends Finding {
  readonly changes: readonly Change[];
}

export type StepParts = Pick<
  Step<ChangesFinding>,
  'id' | 'title' | 'requires' | 'reversible' | 'check' | 'apply' | 'verify'
>;

/** A step of a restore whose check plans its changes. */
export function withChanges(parts: StepParts): Step {
  // Rolled back in exactly the reverse order: the data is exchanged while both pods are stopped.
  return { ...parts, unit: 'etcd-restore', plan: (finding) => (finding as ChangesFinding).changes };
}

export const DONE: ChangesFinding = { status: 'ok', summary: 'nothing to do', evidence: [], changes: [] };

export function needed(summary: string, changes: readonly (Change | undefined)[]): ChangesFinding {
  const real = changes.filter((change) => change !== undefined);
  return real.length === 0 ? DONE : { status: 'needed', summary, evidence: [], changes: real };
}

/** The step waits for another one, which it needs. */
export function waiting(step: string): ChangesFinding {
  return { status: 'blocked', summary: 'the data is not restored yet', evidence: [], waitsFor: [step], changes: [] };
}
