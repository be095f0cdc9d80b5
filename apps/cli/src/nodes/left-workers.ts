import type { StepReport } from '@kube-rescue/workflow';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';

/** The same answer; exit 3 when the run is done and a worker was skipped. */
export async function withLeftWorkers<R extends { readonly steps?: readonly StepReport[] | undefined }>(
  answer: Answer<R>,
): Promise<Answer<R>> {
  if (answer.exitCode !== EXIT.done) return answer;
  const { JOIN_STEP } = await import('@kube-rescue/node-join');
  const left = answer.result.steps?.find(({ step }) => step === JOIN_STEP)?.warnings ?? [];
  return left.length === 0 ? answer : { ...answer, exitCode: EXIT.problems };
}
