import { shellLine } from '@kube-rescue/host';
import type { Playbook } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { assertClockOf } from '../clock-check.ts';
import { clockFlag, renewalFlags, selectionFlags, verboseFlag } from '../flags.ts';
import { writePlan } from '../plan-file.ts';
import { answerPlan, makePlan } from '../playbook-run.ts';
import { assertRenewalDue } from '../renewal-demand.ts';
import { openRecoveryPlaybook, recoveryFlags } from '../recovery-input.ts';
import type { Results } from '../results.ts';

export default class Plan extends NodeCommand {
  static override summary = 'Show the changes that recover would make on this node.';
  static override description =
    'On a dead cluster some steps can only be planned after others; they are listed with their dependencies. Changes nothing.';
  static override examples = ['<%= config.bin %> plan', '<%= config.bin %> plan --out plan.json'];
  static override flags = {
    ...renewalFlags,
    ...recoveryFlags,
    ...clockFlag,
    ...selectionFlags,
    ...verboseFlag,
    out: Flags.string({ description: 'save the plan to this new file, for recover --plan', helpValue: 'FILE' }),
  };

  protected override async answer(): Promise<Answer<Results['plan']>> {
    const { flags } = await this.parse(Plan);
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: true }, session);
    const playbook = (): Promise<Playbook> => openRecoveryPlaybook(flags, session);
    const input = { playbook, selection: flags };
    const plan = await makePlan(input, session);
    assertRenewalDue(flags, plan, session.reporter.warn);
    if (flags.out !== undefined) {
      const { withVariations } = await import('@kube-rescue/workflow');
      const origin = await session.describeOrigin();
      const written = withVariations(plan, await makePlan(input, session));
      await writePlan({ plan: written, origin }, session.localFiles.path(flags.out), session.localFiles.host);
      session.reporter.print(`saved to ${flags.out}`);
    }
    const saved = flags.out;
    const next = saved === undefined ? session.typed('recover') : `recover --plan ${shellLine([saved])}`;
    return answerPlan(plan, next, session);
  }
}
