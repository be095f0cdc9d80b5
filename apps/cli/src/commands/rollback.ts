import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { backupIdentityFlag, confirmationFlags } from '../flags.ts';
import { answerRollback } from '../rollback-run.ts';

export default class Rollback extends NodeCommand {
  static override summary = 'Take back everything that a run changed on this node.';
  static override description =
    'Puts back every byte, newest first, from the journal of the run. Leaves alone what somebody else has changed since, and names it. Refuses to put back certificates that have expired in the place of good ones, and to go back while a later run has changed the same files, unless it is forced to.';
  static override examples = [
    '<%= config.bin %> rollback 20261122T111800Z-1f3a',
    '<%= config.bin %> rollback 20261122T111800Z-1f3a --backup-identity key.txt',
  ];
  static override args = { run: Args.string({ description: 'the run, as runs names it', required: true }) };
  static override flags = {
    ...confirmationFlags,
    force: Flags.boolean({ description: 'go back even where that makes things worse' }),
    'backup-identity': backupIdentityFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(Rollback);
    const session = await this.openSession(flags);
    const { yes, force, 'dry-run': dryRun } = flags;
    return answerRollback({ run: args.run, dryRun, yes, force }, session);
  }
}
