import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { usageError } from '../../envelope.ts';
import { caKeyFlag, days, selectionFlags, writeFlags } from '../../flags.ts';
import { answerPlaybook, type PlaybookInput } from '../../playbook-run.ts';
import { answerRotation, findInterruptedRotation, nameNextStage, reissueCa, rotateCa } from '../../rotation.ts';

const CA_DEFINITIONS = ['cluster', 'etcd', 'etcd-peer', 'front-proxy'] as const;
const STAGES = ['trust', 'issue', 'drop'] as const;

export default class CertsRotateCa extends NodeCommand {
  static override summary = 'Rotate a CA of this node to a new key in stages, or issue it anew with the same key.';
  static override description =
    'Without a flag it tells which stage the CA is in. A new key comes in three stages, each a run of its own and proven before it ends: trust (old and new are trusted everywhere), issue (the new one signs), drop (the old one is trusted no more). The cluster goes on working; between the stages, people, pipelines and other nodes have to follow. With --same-key what the CA has signed stays good; the control plane is restarted on the new certificate, and pods keep the old one until they are restarted.';
  static override examples = [
    '<%= config.bin %> certs rotate-ca cluster',
    '<%= config.bin %> certs rotate-ca cluster --stage trust --dry-run',
    '<%= config.bin %> certs rotate-ca front-proxy --all-stages',
    '<%= config.bin %> certs rotate-ca cluster --same-key --dry-run',
  ];
  static override args = {
    ca: Args.string({
      description: 'the CA, as certs check names it behind ca/',
      options: [...CA_DEFINITIONS],
      required: true,
    }),
  };
  static override flags = {
    stage: Flags.option({
      options: STAGES,
      description: 'carry out this stage',
      exclusive: ['same-key', 'all-stages'],
    })(),
    'all-stages': Flags.boolean({ description: 'carry out every stage that is left', exclusive: ['same-key'] }),
    'same-key': Flags.boolean({ description: 'keep the key of the CA, and issue its certificate anew' }),
    resume: Flags.boolean({
      description: 'go on with the run that did not come to its end; without --stage, with the stage that it was in',
      exclusive: ['same-key'],
    }),
    days: days({ description: "lifetime of the CA's new certificate", default: 3650 }),
    'new-keys': Flags.boolean({ description: 'new keys for what the new CA signs, too', exclusive: ['same-key'] }),
    'key-algorithm': caKeyFlag,
    'nodes-ready': Flags.boolean({
      description: 'other nodes have been made ready for the stage; without it they stop it',
      exclusive: ['same-key'],
    }),
    'restart-pods': Flags.boolean({
      description: 'start the pods anew, one after the other, that hold the CA as it was; without it they are named',
    }),
    ...selectionFlags,
    ...writeFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsRotateCa);
    const session = await this.openSession(flags);
    const ca = args.ca as (typeof CA_DEFINITIONS)[number];
    const input = { ca, caDays: flags.days };
    const run = (how: Pick<PlaybookInput, 'playbook' | 'request' | 'resumeCommand'>): Promise<Answer> => {
      const { yes, resume, 'dry-run': dryRun } = flags;
      return answerPlaybook({ ...how, selection: flags, dryRun, yes, resume }, session);
    };
    const restartPods = flags['restart-pods'];
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
    const asked = { stages, newKeys, nodesReady, restartPods: restartPods || interrupted?.restartPods };
    const rotation = { ...input, ...asked, keyAlgorithm, hasBegun: interrupted?.hasBegun };
    const { recordRotation } = await import('@kube-rescue/recovery');
    const answer = await run({
      playbook: () => rotateCa(rotation, session),
      request: recordRotation(asked),
      resumeCommand: `certs rotate-ca ${ca} --resume`,
    });
    return flags['dry-run'] ? answer : nameNextStage(answer, input, session);
  }
}

function withoutStage(ca: string): Error {
  const hint = 'give --stage trust, issue or drop, or --all-stages; for its own key: --same-key';
  return usageError('it is not said what is to be done with the CA', ca, hint);
}
