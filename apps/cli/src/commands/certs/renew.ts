import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { renewalFlags, selectionFlags, writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import { toRenewal } from '../../renewal-input.ts';
import { recovery } from '../../wiring.ts';

export default class CertsRenew extends NodeCommand {
  static override summary = 'Renew certificates of this node, each signed by its own CA.';
  static override description =
    'Keeps key, subject, names and usages of every certificate. Does not restart what uses them.';
  static override examples = [
    '<%= config.bin %> certs renew --dry-run',
    '<%= config.bin %> certs renew apiserver etcd/server',
    '<%= config.bin %> certs renew --all --new-keys',
  ];
  static override args = {
    id: Args.string({
      description: 'a certificate as certs check names it; default: those that need it',
      multiple: true,
    }),
  };
  static override flags = {
    ...renewalFlags,
    ...selectionFlags,
    ...writeFlags,
    all: Flags.boolean({ description: 'renew every certificate, also those that are good' }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsRenew);
    const session = await this.openSession(flags);
    const options = { ...session.node, ...toRenewal(flags, flags.all), only: args.id ?? [] };
    const playbook = async () => (await recovery()).createRenewalPlaybook(options, session.deps);
    return answerPlaybook({ playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
