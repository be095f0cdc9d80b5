import { Command } from '@oclif/core';
import { openDrill } from '../installed-drill.ts';

export default class Drill extends Command {
  static override summary = 'Rehearse a recovery on a real throwaway cluster on this machine.';
  static override description =
    'Runs kube-rescue-drill of the package @kube-rescue/drill, which is installed separately. Accepts its flags; kube-rescue-drill --help lists them.';
  static override examples = ['<%= config.bin %> drill', '<%= config.bin %> drill --clean'];
  static override strict = false;

  override async run(): Promise<void> {
    const { DrillCommand } = await openDrill();
    await DrillCommand.run(this.argv, this.config);
  }
}
