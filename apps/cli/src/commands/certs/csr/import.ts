import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../../../base-command.ts';
import { assertClockOf } from '../../../clock-check.ts';
import { clockFlag, selectionFlags, writeFlags } from '../../../flags.ts';
import { answerPlaybook } from '../../../playbook-run.ts';

export default class CertsCsrImport extends NodeCommand {
  static override summary = 'Install certificates that an external CA has signed.';
  static override description =
    "Recognizes certificates by content, with the keys of the export. Each certificate must match its key, be signed by this node's CA, be valid now, and have every SAN and usage of the one in use; otherwise nothing is installed, and every reason is reported at once. Restarts nothing.";
  static override examples = ['<%= config.bin %> certs csr import ./signed --dry-run'];
  static override args = {
    directory: Args.string({ description: 'directory of the signed certificates and new keys', required: true }),
  };
  static override flags = { ...clockFlag, ...selectionFlags, ...writeFlags };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(CertsCsrImport);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    const { localFiles, node } = session;
    const rules = { keepEverything: true, mayBePartial: true, keepCas: true };
    const options = { adopt: { path: localFiles.path(args.directory), files: localFiles.host }, rules };
    const playbook = async () => (await import('@kube-rescue/recovery')).createAdoptionPlaybook(node, options);
    return answerPlaybook({ playbook, selection: flags, dryRun: flags['dry-run'], yes: flags.yes }, session);
  }
}
