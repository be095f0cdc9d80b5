import { type Node, NodeError } from '@kube-rescue/node';
import type { Step, StepId } from '@kube-rescue/workflow';

/**
 * @param what for example `a CA`
 * @throws NodeError `NODE_NOT_LIVE` on a copy: a rotation in stages needs a cluster that serves
 */
export function assertServing({ host }: Pick<Node, 'host'>, what: string): void {
  if (host.kind === 'live') return;
  throw new NodeError({
    code: 'NODE_NOT_LIVE',
    message: `a copy of a node cannot rotate ${what}: the cluster must be serving`,
    subject: host.name,
    hint: 'run it on the control-plane node itself',
  });
}

/** The same step of a later stage of one plan: it is checked when the stage before it has completed. */
export function afterPreviousStage(step: Step, waitsFor: readonly StepId[]): Step {
  return {
    ...step,
    check: () =>
      Promise.resolve({
        status: 'blocked',
        summary: 'checked after the previous stage',
        evidence: [],
        code: 'PKI_ROTATION_STAGE',
        waitsFor,
      }),
  };
}
