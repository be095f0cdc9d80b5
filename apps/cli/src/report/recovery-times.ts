import type { Answer } from '../base-command.ts';
import type { PlanAnswer } from '../playbook-run.ts';
import type { RunAnswer } from '../run-answer.ts';
import { formatSeconds, indentText } from '../render/text.ts';

/** The same answer with how long people waited for what, as data and as a first line; unchanged for a plan. */
export async function withRecoveryTimes(
  answer: Answer<RunAnswer | PlanAnswer>,
): Promise<Answer<RunAnswer | PlanAnswer>> {
  const { result } = answer;
  if (result.steps === undefined) return answer;
  const { describeRecoveryTimes, recoveryTimesOf } = await import('@kube-rescue/recovery');
  const times = recoveryTimesOf(result.steps.filter((step) => step.result === 'done'));
  const line = describeRecoveryTimes(times, formatSeconds);
  if (line === '') return answer;
  return {
    ...answer,
    result: { ...result, times },
    text: (terminal) => `${indentText('', line, terminal.columns)}\n${answer.text(terminal)}`,
  };
}
