import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { renewalFlags, selectionFlags } from '../flags.ts';
import { writePlan } from '../plan-file.ts';
import { answerPlan, makePlan } from '../playbook-run.ts';
import { toRenewal } from '../renewal-input.ts';
import { recovery } from '../wiring.ts';

export default class Plan extends NodeCommand {
  static override summary = 'Show what recover would do on this node.';
  static override description =
    'A dead cluster cannot be planned to the end: steps that wait for others are named with what they wait for. Changes nothing.';
  static override examples = ['<%= config.bin %> plan', '<%= config.bin %> plan --output plan.json'];
  static override flags = {
    ...renewalFlags,
    ...selectionFlags,
    output: Flags.string({ description: 'write the plan to this file, for recover --plan', helpValue: 'FILE' }),
  };

  protected override async answer(): Promise<Answer> {
    const { flags } = await this.parse(Plan);
    const session = await this.openSession(flags);
    const { node, deps } = session;
    const playbook = async () => (await recovery()).createRecoveryPlaybook({ ...node, ...toRenewal(flags) }, deps);
    const plan = await makePlan({ playbook, selection: flags }, session);
    if (flags.output !== undefined) await writePlan(plan, session.desk.path(flags.output), session.desk.host);
    return answerPlan(plan, session);
  }
}
