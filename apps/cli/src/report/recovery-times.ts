import type { Answer } from '../base-command.ts';
import type { PlanAnswer, RunAnswer } from '../playbook-run.ts';
import { formatSeconds, indentText } from '../render/text.ts';

/** The same answer with how long people waited for what, as data and as a closing line; unchanged for a plan. */
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
    text: (terminal) => `${answer.text(terminal)}\n${indentText('', line, terminal.columns)}`,
  };
}
