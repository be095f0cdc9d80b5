import type { RotationReport } from '@kube-rescue/recovery';
import type { Playbook } from '@kube-rescue/workflow';
import type { Answer } from './base-command.ts';
import { EXIT } from './exit-codes.ts';
import { renderRotation } from './render/rotation.ts';
import { recovery, type Session } from './wiring.ts';

type Recovery = Awaited<ReturnType<typeof recovery>>;
type RotationInput = Parameters<Recovery['createRotationPlaybook']>[0];

/** The stages of a rotation, with a way to the cluster's objects through its API server, which works all the while. */
export async function rotateAuthority(input: RotationInput, session: Session): Promise<Playbook> {
  const { createRotationPlaybook } = await recovery();
  const objects = await session.openObjects();
  const access = objects.access({ via: 'api', search: {} });
  return createRotationPlaybook(input, { ...session.deps, objects: access, reconnect: () => objects.close() });
}

/** The same CA with another certificate. */
export async function reissueAuthority(
  input: Parameters<Recovery['createAuthorityPlaybook']>[0],
  session: Session,
): Promise<Playbook> {
  const { createAuthorityPlaybook } = await recovery();
  return createAuthorityPlaybook(input, { ...session.deps, objects: await session.openObjects() });
}

/** Which stage a CA is in: exit 3 while a rotation is under way. */
export async function answerRotation(
  input: Parameters<Recovery['reportRotation']>[0],
  session: Session,
): Promise<Answer> {
  const { reportRotation } = await recovery();
  const report: RotationReport = await reportRotation(input, session.deps);
  return {
    result: report,
    exitCode: report.next === null ? EXIT.done : EXIT.problems,
    text: (terminal) => renderRotation(report, terminal),
  };
}
