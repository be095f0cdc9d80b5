import type { TokenRotationInput, TokenRotationReport } from '@kube-rescue/recovery';
import type { Playbook } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { EXIT } from './exit-codes.ts';
import { renderNextTokenStage, renderTokenRotation } from './render/token-rotation.ts';
import { type Session } from './wiring.ts';

type Recovery = typeof import('@kube-rescue/recovery');

/** The playbook that rotates the key of service account tokens, in the stages of `input`. */
export async function rotateTokenKey(input: TokenRotationInput, session: Session): Promise<Playbook> {
  const { createTokenRotationPlaybook } = await import('@kube-rescue/recovery');
  return createTokenRotationPlaybook(session.node, input);
}

/** The recorded input of the interrupted rotation; `undefined` when there is none to resume. */
export async function findInterruptedTokenRotation(
  session: Session,
): Promise<ReturnType<Recovery['findInterruptedTokenRotation']>> {
  const { findInterruptedTokenRotation: find } = await import('@kube-rescue/recovery');
  return find(await (await session.openRuns()).list());
}

/** Adds the next stage to the answer of a stage. */
export async function nameNextTokenStage(answer: Answer, session: Session): Promise<Answer> {
  const { reportTokenRotation } = await import('@kube-rescue/recovery');
  const report = await reportTokenRotation(session.node);
  return {
    ...answer,
    result: { ...answer.result, stage: report.stage, next: report.next },
    text: (terminal) => [answer.text(terminal), ...renderNextTokenStage(report, terminal)].join('\n'),
  };
}

/** Reports the stage of the rotation: exit 3 while one is under way. */
export async function answerTokenRotation(session: Session): Promise<Answer> {
  const { reportTokenRotation } = await import('@kube-rescue/recovery');
  const report: TokenRotationReport = await reportTokenRotation(session.node);
  return {
    result: report,
    exitCode: report.next === null ? EXIT.done : EXIT.problems,
    text: (terminal) => renderTokenRotation(report, terminal),
  };
}
