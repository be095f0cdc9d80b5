import type { RotationReport } from '@kube-rescue/recovery';
import type { Playbook } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { EXIT } from './exit-codes.ts';
import { renderNextStage, renderRotation } from './render/rotation.ts';
import { type Session } from './wiring.ts';

type Recovery = typeof import('@kube-rescue/recovery');
type RotationInput = Parameters<Recovery['createRotationPlaybook']>[1];

/** The playbook that rotates a CA to a new key, in the stages of `input`. */
export async function rotateCa(input: RotationInput, session: Session): Promise<Playbook> {
  const { createRotationPlaybook } = await import('@kube-rescue/recovery');
  return createRotationPlaybook(session.node, input);
}

/** The playbook that reissues a CA certificate with the same key. */
export async function reissueCa(
  input: Parameters<Recovery['createCaPlaybook']>[1],
  session: Session,
): Promise<Playbook> {
  const { createCaPlaybook } = await import('@kube-rescue/recovery');
  return createCaPlaybook(session.node, input, session.interruption.signal);
}

/** The recorded input of the interrupted rotation of a CA; `undefined` when there is none to resume. */
export async function findInterruptedRotation(
  ca: RotationInput['ca'],
  session: Session,
): Promise<ReturnType<Recovery['findInterruptedRotation']>> {
  const { findInterruptedRotation: find } = await import('@kube-rescue/recovery');
  return find(ca, await (await session.openRuns()).list());
}

/** Adds the next stage to the answer of a stage. */
export async function nameNextStage(
  answer: Answer,
  input: Parameters<Recovery['reportRotation']>[1],
  session: Session,
): Promise<Answer> {
  const { reportRotation } = await import('@kube-rescue/recovery');
  const report = await reportRotation(session.node, input);
  return {
    ...answer,
    result: { ...answer.result, stage: report.stage, next: report.next },
    text: (terminal) => [answer.text(terminal), ...renderNextStage(report, terminal)].join('\n'),
  };
}

/** Reports the stage of a CA rotation: exit 3 while a rotation is under way. */
export async function answerRotation(
  input: Parameters<Recovery['reportRotation']>[1],
  session: Session,
): Promise<Answer> {
  const { reportRotation } = await import('@kube-rescue/recovery');
  const report: RotationReport = await reportRotation(session.node, input);
  return {
    result: report,
    exitCode: report.next === null ? EXIT.done : EXIT.problems,
    text: (terminal) => renderRotation(report, terminal),
  };
}
