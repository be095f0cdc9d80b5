import { Args, Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { backupIdentityFlag, confirmationFlags } from '../flags.ts';
import { isNodesRun } from '../over-ssh/nodes-record.ts';
import { answerRollback } from '../rollback-run.ts';

export default class Rollback extends NodeCommand {
  static override summary = 'Roll back every change of a run on this node.';
  static override description =
    'Restores every byte, newest change first, from the journal of the run. Files that belong together, such as a key and its certificate, are restored as a whole or not at all: when another process has changed one since, all are left and reported. Keeps the replaced bytes in the backup directory of the run. Refuses to replace certificates that work with ones that do not, and to roll back before later runs that changed the same files; --force overrides both, except on one of several control-plane nodes whose cluster works. The run of recover --nodes is rolled back on each of its nodes.';
  static override examples = [
    '<%= config.bin %> rollback 20261122T111800Z-1f3a',
    '<%= config.bin %> rollback latest --dry-run',
    '<%= config.bin %> rollback 20261122T111800Z-1f3a --backup-identity key.txt',
  ];
  static override args = {
    run: Args.string({ description: 'id of the run (runs lists them), or latest', required: true }),
  };
  static override flags = {
    ...confirmationFlags,
    force: Flags.boolean({ description: 'roll back even when that makes things worse' }),
    program: Flags.string({
      description: 'of several nodes: the one file to carry there; default: this program, where it is the one file',
      helpValue: 'FILE',
    }),
    'backup-identity': backupIdentityFlag,
  };

  protected override async answer(): Promise<Answer> {
    const { flags, args } = await this.parse(Rollback);
    const session = await this.openSession(flags);
    const { yes, force, 'dry-run': dryRun } = flags;
    if (isNodesRun(args.run)) {
      const { rollBackNodes } = await import('../over-ssh/rollback-nodes.ts');
      return rollBackNodes({ run: args.run, program: flags.program, dryRun, yes, force }, session);
    }
    return answerRollback({ run: args.run, dryRun, yes, force }, session);
  }
}
