import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { days, selectionFlags, writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';
import { recovery } from '../../wiring.ts';

const AUTHORITIES = ['cluster', 'etcd', 'etcd-peer', 'front-proxy'] as const;

export default class CertsRotateCa extends NodeCommand {
  static override summary = 'Issue a CA of this node anew, with the same key and name.';
  static override description =
    'What the CA has signed stays good. The new certificate is put wherever files of this node hold the old one, what has expired is renewed, and the control plane is restarted on it. Pods keep the old certificate until they are restarted.';
  static override examples = [
    '<%= config.bin %> certs rotate-ca cluster --same-key --dry-run',
    '<%= config.bin %> certs rotate-ca etcd --same-key --days 3650',
  ];
  static override args = {
    ca: Args.string({
      description: 'the CA, as certs check names it behind ca/',
      options: [...AUTHORITIES],
      required: true,
    }),
  };
  static override flags = {
    'same-key': Flags.boolean({ description: 'keep the key of the CA', required: true }),
    days: days({ description: "lifetime of the CA's new certificate", default: 3650 }),
    ...selectionFlags,
    ...writeFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsRotateCa);
    const session = await this.openSession(flags);
    const authority = args.ca as (typeof AUTHORITIES)[number];
    const options = { ...session.node, authority, authorityDays: flags.days };
    const playbook = async () => (await recovery()).createAuthorityPlaybook(options, session.deps);
    return answerPlaybook({ playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
