import { WorkflowError } from '../errors.ts';
import type { Finding, Step, StepId } from './step.ts';

/** Selected steps. A name selects the step itself and all steps below: `pki` selects `pki/renew/apiserver`. */
export interface Selection {
  /** Default: every step. */
  readonly only?: readonly string[] | undefined;
  /** Wins over `only`. */
  readonly skip?: readonly string[] | undefined;
}

export function isSelected(id: StepId, selection: Selection): boolean {
  const covers = (names: readonly string[] | undefined): boolean =>
    (names ?? []).some((name) => id === name || id.startsWith(`${name}/`));
  return (
    !covers(selection.skip) && (selection.only === undefined || selection.only.length === 0 || covers(selection.only))
  );
}

/**
 * Refuses unknown step names, and a selection without a required step.
 * @throws WorkflowError `WORKFLOW_STEP_UNKNOWN` `WORKFLOW_REQUIREMENT_SKIPPED`
 */
export function assertSelectable(
  steps: readonly Pick<Step, 'id' | 'requires'>[],
  entries: readonly { readonly step: StepId; readonly finding: Finding; readonly skipped: boolean }[],
  selection: Selection,
): void {
  for (const name of [...(selection.only ?? []), ...(selection.skip ?? [])]) {
    if (!steps.some(({ id }) => id === name || id.startsWith(`${name}/`))) {
      throw new WorkflowError({
        code: 'WORKFLOW_STEP_UNKNOWN',
        message: 'no such step',
        subject: name,
        hint: `known steps: ${steps.map(({ id }) => id).join(', ')}`,
      });
    }
  }
  const missing = new Set(
    entries.filter(({ finding, skipped }) => skipped && finding.status !== 'ok').map(({ step }) => step),
  );
  const wanted = new Set(
    entries.filter(({ finding, skipped }) => !skipped && finding.status !== 'ok').map(({ step }) => step),
  );
  for (const { id, requires } of steps) {
    const needed = wanted.has(id) ? requires.find((required) => missing.has(required)) : undefined;
    if (needed !== undefined) {
      throw new WorkflowError({
        code: 'WORKFLOW_REQUIREMENT_SKIPPED',
        message: `${id} requires ${needed}, which is skipped`,
        subject: id,
        hint: `select ${needed} too, or skip ${id}`,
      });
    }
  }
}
