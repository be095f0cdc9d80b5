import { Args } from '@oclif/core';
import { type Answer, NodeCommand } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { journalFlags, outputFlags } from '../flags.ts';
import { renderRunReport } from '../render/run-report.ts';
import { formatSeconds } from '../render/text.ts';
import { summarizeRun } from '../report/run-summary.ts';
import type { Results } from '../results.ts';

export default class Report extends NodeCommand {
  static override summary = 'Write a handover report of a run: findings, changes, open work.';
  static override description =
    'Prints Markdown from the journal on this node, without key material. Exits 3 unless the run is done or rolled back. Changes nothing.';
  static override baseFlags = { ...outputFlags, ...journalFlags };
  static override examples = [
    '<%= config.bin %> report 20261122T111800Z-1f3a > handover.md',
    '<%= config.bin %> report latest --json',
  ];
  static override args = {
    run: Args.string({ description: 'id of the run (runs lists them), or latest', required: true }),
  };

  protected override async answer(): Promise<Answer<Results['report']>> {
    const { flags, args } = await this.parse(Report);
    const session = await this.openSession(flags);
    const { deriveRunReport, describeChange } = await import('@kube-rescue/workflow');
    const { store, kinds } = await session.openWorkflow(() => undefined);
    const run = await store.open(args.run);
    const report = deriveRunReport(await run.records(), run.id, (change) => describeChange(kinds, change));
    const { describeRecoveryTimes, recoveryTimesOf } = await import('@kube-rescue/recovery');
    const ended = report.steps.flatMap(({ step, endSeconds }) =>
      endSeconds === undefined ? [] : [{ step, endSeconds }],
    );
    const summary = summarizeRun(report, describeRecoveryTimes(recoveryTimesOf(ended), formatSeconds));
    const isDone = summary.outcome === 'done' || summary.outcome === 'rolled-back';
    return {
      result: { report: summary },
      exitCode: isDone ? EXIT.done : EXIT.problems,
      text: () => renderRunReport(summary),
    };
  }
}
