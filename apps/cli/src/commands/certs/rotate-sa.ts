import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertClockOf } from '../../clock-check.ts';
import { usageError } from '../../envelope.ts';
import { clockFlag, selectionFlags, tokenKeyFlag, writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import {
  answerTokenRotation,
  findInterruptedTokenRotation,
  nameNextTokenStage,
  rotateTokenKey,
} from '../../token-rotation.ts';

const STAGES = ['publish', 'sign', 'drop'] as const;

export default class CertsRotateSa extends NodeCommand {
  static override summary = 'Rotate the key of service account tokens in stages.';
  static override description =
    'Without flags, shows the stage. A rotation has three stages, each a separate, verified run: publish (tokens of a new key are accepted beside those of the old one), sign (the new key signs), drop (tokens of the old key are refused). Tokens of running pods hold all the while: their kubelets replace them within a day of the sign stage. The drop is refused while a pod, a Secret or a copy in a Secret has a token of the old key. The API server restarts in each stage.';
  static override examples = [
    '<%= config.bin %> certs rotate-sa',
    '<%= config.bin %> certs rotate-sa --stage publish --dry-run',
    '<%= config.bin %> certs rotate-sa --stage drop --resign-secrets',
    '<%= config.bin %> certs rotate-sa --all-stages --revoke-tokens',
  ];
  static override flags = {
    stage: Flags.option({ options: STAGES, description: 'run this stage', exclusive: ['all-stages'] })(),
    'all-stages': Flags.boolean({
      description: 'run every remaining stage at once, for a key that has leaked',
      dependsOn: ['revoke-tokens'],
    }),
    resume: Flags.boolean({ description: 'resume the interrupted run, in its recorded stage unless --stage is given' }),
    'resign-secrets': Flags.boolean({
      description: 'in the drop stage, sign the tokens of Secrets again; copies of these tokens are refused at once',
    }),
    'revoke-tokens': Flags.boolean({
      description: 'drop the old key although tokens of it may be in use: their holders are refused',
    }),
    'key-algorithm': tokenKeyFlag,
    ...clockFlag,
    ...selectionFlags,
    ...writeFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parseRun((argv) => this.parse(CertsRotateSa, argv));
    const session = await this.openSession(flags);
    const { yes, resume, 'dry-run': dryRun } = flags;
    const interrupted = resume ? await findInterruptedTokenRotation(session) : undefined;
    const named = flags['all-stages'] ? STAGES : flags.stage === undefined ? [] : [flags.stage];
    const stages = named.length === 0 ? (interrupted?.stages ?? []) : named;
    if (stages.length === 0) {
      if (yes || resume || dryRun) throw withoutStage();
      return answerTokenRotation(session);
    }
    await assertClockOf(flags, { dryRun }, session);
    const resignSecrets = flags['resign-secrets'] || interrupted?.resignSecrets;
    const revokeTokens = flags['revoke-tokens'] || interrupted?.revokeTokens;
    const requested = { stages, resignSecrets, revokeTokens };
    const rotation = { ...requested, keyAlgorithm: flags['key-algorithm'], hasBegun: interrupted?.hasBegun };
    const { recordTokenRotation } = await import('@kube-rescue/recovery');
    const answer = await answerPlaybook(
      {
        playbook: () => rotateTokenKey(rotation, session),
        request: recordTokenRotation(requested),
        resumeCommand: 'certs rotate-sa --resume',
        selection: flags,
        dryRun,
        yes,
        resume,
      },
      session,
    );
    return dryRun ? answer : nameNextTokenStage(answer, session);
  }
}

function withoutStage(): Error {
  const hint = 'pass --stage publish, --stage sign, --stage drop, or --all-stages --revoke-tokens';
  return usageError('no stage given', 'certs rotate-sa', hint);
}
