import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertClockOf } from '../../clock-check.ts';
import { usageError } from '../../envelope.ts';
import { caKeyFlag, clockFlag, days, selectionFlags, writeFlags } from '../../flags.ts';
import { answerPlaybook, type PlaybookInput } from '../../playbook-run.ts';
import { answerRotation, findInterruptedRotation, nameNextStage, reissueCa, rotateCa } from '../../rotation.ts';

const CA_DEFINITIONS = ['cluster', 'etcd', 'etcd-peer', 'front-proxy'] as const;
const STAGES = ['trust', 'issue', 'drop'] as const;

export default class CertsRotateCa extends NodeCommand {
  static override summary = 'Rotate a CA of this node to a new key in stages, or reissue it with the same key.';
  static override description =
    'Without flags, shows the stage of the CA. Rotation to a new key has three stages, each a separate, verified run: trust (old and new CA are trusted everywhere), issue (the new CA signs), drop (the old CA is no longer trusted). The cluster keeps serving. Between stages, give users and other nodes the new CA bundle, then new certificates. With --same-key, certificates signed by the CA stay valid; pods keep the old CA certificate until they restart.';
  static override examples = [
    '<%= config.bin %> certs rotate-ca cluster',
    '<%= config.bin %> certs rotate-ca cluster --stage trust --dry-run',
    '<%= config.bin %> certs rotate-ca front-proxy --all-stages',
    '<%= config.bin %> certs rotate-ca cluster --same-key --dry-run',
  ];
  static override args = {
    ca: Args.string({
      description: 'CA name as shown by `certs check` (after ca/)',
      options: [...CA_DEFINITIONS],
      required: true,
    }),
  };
  static override flags = {
    stage: Flags.option({
      options: STAGES,
      description: 'run this stage',
      exclusive: ['same-key', 'all-stages'],
    })(),
    'all-stages': Flags.boolean({ description: 'run every remaining stage', exclusive: ['same-key'] }),
    'same-key': Flags.boolean({ description: 'keep the CA key; reissue the CA certificate' }),
    resume: Flags.boolean({
      description: 'resume the interrupted run; in its recorded stage unless --stage is given',
      exclusive: ['same-key'],
    }),
    days: days({ description: 'lifetime of the new CA certificate', default: 3650 }),
    'new-keys': Flags.boolean({
      description: 'also generate new keys for the certificates that the new CA signs',
      exclusive: ['same-key'],
    }),
    'key-algorithm': caKeyFlag,
    'nodes-ready': Flags.boolean({
      description: 'assert that the other nodes are prepared; otherwise other nodes block the stage',
      exclusive: ['same-key'],
    }),
    'restart-pods': Flags.boolean({
      description: 'restart the pods that hold the old CA, one at a time; otherwise list them',
    }),
    ...clockFlag,
    ...selectionFlags,
    ...writeFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parseRun((argv) => this.parse(CertsRotateCa, argv));
    const session = await this.openSession(flags);
    const ca = args.ca as (typeof CA_DEFINITIONS)[number];
    const input = { ca, caDays: flags.days };
    const run = (how: Pick<PlaybookInput, 'playbook' | 'request' | 'resumeCommand'>): Promise<Answer> => {
      const { yes, resume, 'dry-run': dryRun } = flags;
      return answerPlaybook({ ...how, selection: flags, dryRun, yes, resume }, session);
    };
    const restartPods = flags['restart-pods'];
    if (flags['same-key'] || flags['all-stages'] || flags.resume || flags.stage !== undefined) {
      await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    }
    if (flags['same-key']) return run({ playbook: () => reissueCa({ ...input, restartPods }, session) });
    const interrupted = flags.resume ? await findInterruptedRotation(ca, session) : undefined;
    const named = flags['all-stages'] ? STAGES : flags.stage === undefined ? [] : [flags.stage];
    const stages = named.length === 0 ? (interrupted?.stages ?? []) : named;
    if (stages.length === 0) {
      if (flags.yes || flags.resume || flags['dry-run']) throw withoutStage(ca);
      return answerRotation(input, session);
    }
    const newKeys = flags['new-keys'] || interrupted?.newKeys;
    const nodesReady = flags['nodes-ready'] || interrupted?.nodesReady;
    const keyAlgorithm = flags['key-algorithm'];
    const requested = { stages, newKeys, nodesReady, restartPods: restartPods || interrupted?.restartPods };
    const rotation = { ...input, ...requested, keyAlgorithm, hasBegun: interrupted?.hasBegun };
    const { recordRotation } = await import('@kube-rescue/recovery');
    const answer = await run({
      playbook: () => rotateCa(rotation, session),
      request: recordRotation(requested),
      resumeCommand: `certs rotate-ca ${ca} --resume`,
    });
    return flags['dry-run'] ? answer : nameNextStage(answer, input, session);
  }
}

function withoutStage(ca: string): Error {
  const hint = 'pass --stage trust, --stage issue, --stage drop or --all-stages; to keep the key: --same-key';
  return usageError('no stage given', ca, hint);
}
