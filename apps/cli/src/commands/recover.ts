import type { Plan } from '@kube-rescue/workflow';
import { Flags } from '@oclif/core';
import { afterRecovery } from '../after-run.ts';
import { type Answer, NodeCommand } from '../base-command.ts';
import { assertClockOf } from '../clock-check.ts';
import { openRecoveryDns, recoveryDnsFlags } from '../dns/recovery-dns.ts';
import { backupIdentityFlag, clockFlag, renewalFlags, seconds, selectionFlags, writeFlags } from '../flags.ts';
import { readPlan } from '../plan-file.ts';
import { answerPlaybook } from '../playbook-run.ts';
import { warnOfOutdatedCopies } from '../outdated-copies.ts';
import { withLeftWorkers } from '../nodes/left-workers.ts';
import { withRecoveryTimes } from '../report/recovery-times.ts';
import { assertRenewalDue } from '../renewal-demand.ts';
import { namesSeveral, severalNodesFlags, toNodesInput } from '../over-ssh/nodes-flags.ts';
import { openRecoveryPlaybook, recoveryFlags, searchOf } from '../recovery-input.ts';

export default class Recover extends NodeCommand {
  static override summary =
    'Recover this node: renew expired certificates, restart failed components, verify that they serve.';
  static override description =
    'Journals every change on the node before making it. Changes nothing on a healthy node. Ctrl-C stops at the next safe point. Of several kubeadm control planes, run it on each, or name them with --nodes; 7: it waits for others.';
  static override examples = [
    '<%= config.bin %> recover --dry-run',
    '<%= config.bin %> recover',
    '<%= config.bin %> recover --plan plan.json --yes',
    '<%= config.bin %> recover --resume',
    '<%= config.bin %> recover --nodes cp1,cp2,cp3',
    '<%= config.bin %> recover --certs ./generated --join node02 --ssh-user core --ssh-sudo',
  ];
  static override flags = {
    ...renewalFlags,
    ...clockFlag,
    ...selectionFlags,
    ...writeFlags,
    ...recoveryFlags,
    plan: Flags.string({
      description: 'carry out this plan; with the flags that it was made with; refused when it is outdated',
      helpValue: 'FILE',
    }),
    resume: Flags.boolean({
      description: 'resume the newest unfinished run; with the flags it began with, others are refused',
      exclusive: ['plan'],
    }),
    'members-timeout': seconds({
      description: 'how long to wait for the other control-plane nodes; default: 60s',
    }),
    'backup-identity': backupIdentityFlag,
    ...recoveryDnsFlags,
    ...severalNodesFlags,
  };

  protected override async answer(): Promise<Answer> {
    const { flags: typed } = await this.parse(Recover);
    if (namesSeveral(typed)) {
      const { recoverNodes } = await import('../over-ssh/recover-nodes.ts');
      const several = await this.openSession(typed);
      return recoverNodes(await toNodesInput(typed, several), several);
    }
    const { flags } = await this.parseRun((argv) => this.parse(Recover, argv));
    const session = await this.openSession(flags);
    await assertClockOf(flags, { dryRun: flags['dry-run'] }, session);
    const { localFiles } = session;
    const expected =
      flags.plan === undefined ? undefined : (await readPlan(localFiles.path(flags.plan), localFiles.host)).plan;
    const source = { via: undefined, search: searchOf(flags, session) };
    const dns = openRecoveryDns(flags, source, session);
    const playbook = () => openRecoveryPlaybook(flags, session, dns);
    const { yes, resume, 'dry-run': dryRun } = flags;
    // What a resumed run asked for may be done already.
    const accept = resume ? undefined : (plan: Plan): void => assertRenewalDue(flags, plan, session.reporter.warn);
    const after = afterRecovery(session);
    const options = { after, dryRun, yes, resume, resumeCommand: 'recover --resume', expected, accept };
    const answer = await answerPlaybook({ playbook, selection: flags, ...options }, session);
    const complete = await withLeftWorkers(await withRecoveryTimes(answer));
    await warnOfOutdatedCopies(session);
    // With --only, the answer does not cover ingress DNS.
    return flags.only === undefined ? dns.complete(complete) : complete;
  }
}
