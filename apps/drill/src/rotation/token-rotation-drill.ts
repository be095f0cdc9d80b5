import type { Proof, TokenStage, TokenWitnesses } from '@kube-rescue/lab';
import { nameProofs, proveAnswer } from '../proofs/proofs.ts';
import type { RescueAnswer } from '../rescue-command.ts';
import type { RotationRehearsal } from './rotation-rehearsal.ts';
import { rehearseRollback } from './rotation-rollback.ts';

const COMMAND = ['certs', 'rotate-sa', '--stage'] as const;
const ROLLBACK = { command: 'certs rotate-sa --stage', restartsApiServer: true };

/**
 * Rotates the key of service account tokens of a healthy cluster, stage by stage. Proves after each stage which tokens are accepted;
 * rolls the sign stage back and repeats it; is refused the drop while a pod and a Secret have tokens of the old key. Stops at the first
 * failed proof: later ones would prove nothing.
 */
export async function rehearseTokenRotation(rehearsal: RotationRehearsal): Promise<void> {
  const { cluster, lab, deps, watch, proofs } = rehearsal;
  const witnesses = await watch.measure('create tokens of every kind', () => lab.createTokenWitnesses(cluster, deps));
  const parts: readonly (() => Promise<readonly Proof[]>)[] = [
    async () => [proveStage('publish', await carryOut(rehearsal, 'publish'))],
    () => proveTokens(rehearsal, 'publish', witnesses),
    () => rehearseRollback(rehearsal, 'sign', () => carryOut(rehearsal, 'sign'), ROLLBACK),
    () => proveTokens(rehearsal, 'publish', witnesses),
    async () => [proveStage('sign', await carryOut(rehearsal, 'sign'))],
    () => proveTokens(rehearsal, 'sign', witnesses),
    async () => [
      proveRefusal(await carryOut(rehearsal, 'drop'), ['Pod default/poller', `Secret default/${lab.TOKEN_SECRET}`]),
    ],
    () => proveTokens(rehearsal, 'sign', witnesses),
    async () => {
      await watch.measure('recreate the pods', () => lab.recreateTokenPods(cluster, deps));
      return [proveStage('drop', await carryOut(rehearsal, 'drop', '--resign-secrets'))];
    },
    () => proveTokens(rehearsal, 'drop', witnesses),
    async () => [proveStage('drop', await carryOut(rehearsal, 'drop'), 'nothing-to-do')],
  ];
  for (const part of parts) {
    const made = await part();
    proofs.push(...made);
    if (made.some(({ ok }) => !ok)) return;
  }
}

function carryOut(
  { watch, rescue }: RotationRehearsal,
  stage: TokenStage,
  ...more: readonly string[]
): Promise<RescueAnswer> {
  return watch.measure(`rotate: ${stage}`, () => rescue(...COMMAND, stage, ...more, '--yes'));
}

async function proveTokens(
  { cluster, lab, deps, watch }: RotationRehearsal,
  stage: TokenStage,
  witnesses: TokenWitnesses,
): Promise<readonly Proof[]> {
  const made = await watch.measure(`prove the tokens of ${stage}`, () =>
    lab.proveTokens(cluster, stage, witnesses, deps),
  );
  return nameProofs(stage, made);
}

function proveStage(stage: TokenStage, answer: RescueAnswer, outcome = 'done'): Proof {
  const name = outcome === 'done' ? `certs rotate-sa --stage ${stage}` : `certs rotate-sa --stage ${stage} once more`;
  return proveAnswer(`rotate: ${name}`, answer, outcome);
}

/** Proves that the drop is refused, and names what still needs the old key. */
function proveRefusal(
  { exitCode, envelope }: Pick<RescueAnswer, 'exitCode' | 'envelope'>,
  holders: readonly string[],
): Proof {
  const text = envelope === undefined ? '' : JSON.stringify(envelope);
  const missing = holders.filter((each) => !text.includes(each));
  const isNamed = text.includes('tokens of the old key may be in use') && missing.length === 0;
  return {
    name: 'refused: certs rotate-sa --stage drop names the pod and the Secret that need the old key',
    ok: exitCode === 4 && isNamed,
    detail: `exit ${exitCode}${missing.length === 0 ? '' : `, not named: ${missing.join(', ')}`}: ${text.slice(0, 600)}`,
  };
}
