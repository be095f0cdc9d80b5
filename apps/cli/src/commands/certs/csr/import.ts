import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { selectionFlags, writeFlags } from '../../../flags.ts';
import { answerPlaybook } from '../../../playbook-run.ts';

export default class CertsCsrImport extends NodeCommand {
  static override summary = 'Install certificates that a CA which is kept elsewhere has signed.';
  static override description =
    "Takes them by content, with the keys of the export. Each must be for its key, come from this node's CA, hold now, and name and allow whatever the one in use does; otherwise nothing is installed, and every reason is told at once. Restarts nothing.";
  static override examples = ['<%= config.bin %> certs csr import ./signed --dry-run'];
  static override args = {
    folder: Args.string({ description: 'the folder with the signed certificates, and with new keys', required: true }),
  };
  static override flags = { ...selectionFlags, ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsCsrImport);
    const session = await this.openSession(flags);
    const { localFiles, node } = session;
    const rules = { keepEverything: true, mayBePartial: true, keepCas: true };
    const options = { adopt: { path: localFiles.path(args.folder), files: localFiles.host }, rules };
    const playbook = async () => (await import('@kube-rescue/recovery')).createAdoptionPlaybook(node, options);
    return answerPlaybook({ playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
