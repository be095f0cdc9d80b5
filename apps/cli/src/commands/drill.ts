import { Flags } from '@oclif/core';
import { type Answer, BaseCommand } from '../base-command.ts';
import { answerClean, answerDrill } from '../drill/answer.ts';
import { SCENARIOS } from '../drill/scenarios.ts';
import { openDrillSession } from '../wiring.ts';

export default class Drill extends BaseCommand {
  static override summary = 'Rehearse a recovery on a real throwaway cluster on this machine.';
  static override description =
    'Starts a cluster in namespaces of its own, breaks it, recovers it with the same commands that a real incident needs, proves both, and removes every trace. Needs Linux and root; installs the Debian packages that it lacks.';
  static override examples = [
    '<%= config.bin %> drill',
    '<%= config.bin %> drill --algorithm ecdsa --json',
    '<%= config.bin %> drill --clean',
  ];
  static override flags = {
    scenario: Flags.option({ options: SCENARIOS, description: 'what happens to the cluster', default: SCENARIOS[0] })(),
    algorithm: Flags.option({
      options: ['rsa', 'ecdsa'] as const,
      description: 'keys of the cluster',
      default: 'rsa' as const,
    })(),
    keep: Flags.boolean({ description: 'leave the cluster running; --clean removes it', exclusive: ['clean'] }),
    clean: Flags.boolean({ description: 'remove what earlier drills have left behind or kept, and do nothing else' }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(Drill);
    const session = openDrillSession(this.streams);
    if (flags.clean) return answerClean(session);
    const algorithm = flags.algorithm === 'rsa' ? 'RSA' : 'ECDSA';
    return answerDrill({ scenario: flags.scenario, algorithm, keep: flags.keep }, session);
  }
}
