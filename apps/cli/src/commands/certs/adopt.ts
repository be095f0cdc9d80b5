import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../base-command.ts';
import { assertClockOf } from '../../clock-check.ts';
import { clockFlag, selectionFlags, writeFlags } from '../../flags.ts';
import { answerPlaybook } from '../../playbook-run.ts';

export default class CertsAdopt extends NodeCommand {
  static override summary = 'Install a set of certificates that was issued elsewhere.';
  static override description =
    'Recognizes CAs, certificates, keys and kubeconfigs in a directory by content, not by file name. Refuses a set that does not fit this node, with every reason at once. Restarts nothing; recover --certs does.';
  static override examples = [
    '<%= config.bin %> certs adopt ./generated --dry-run',
    '<%= config.bin %> certs adopt /root/new-pki --yes',
  ];
  static override args = {
    directory: Args.string({ description: 'the directory of the set, in any layout', required: true }),
  };
  static override flags = { ...clockFlag, ...selectionFlags, ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsAdopt);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    const { localFiles, node } = session;
    const options = { adopt: { path: localFiles.path(args.directory), files: localFiles.host } };
    const playbook = async () => (await import('@kube-rescue/recovery')).createAdoptionPlaybook(node, options);
    return answerPlaybook({ playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
