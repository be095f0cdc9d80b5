import { type Answer, count, EXIT, renderTimeline } from 'kube-rescue/command-line';
import { DrillError } from './errors.ts';
import { renderDrill } from './render-report.ts';
import type { DrillSession } from './wiring.ts';
import type { DrillInput, DrillReport } from './drill.ts';

/** Runs a drill and reports its proofs. */
export async function answerDrill(input: DrillInput, session: DrillSession): Promise<Answer> {
  assertSupported();
  const { runDrill } = await import('./drill.ts');
  const report = await runDrill(input, session);
  const { reporter } = session;
  reporter.print(`\n${renderTimeline(report.timeline, report.seconds, reporter.terminal)}\n`);
  if (report.kept !== null) reporter.print(`the cluster was kept; on its node: ${report.kept.join(' ')} COMMAND`);
  const failure = judge(report);
  return {
    result: report,
    exitCode: failure === undefined ? EXIT.done : EXIT.problems,
    text: (terminal) => renderDrill(report, terminal),
    failure,
  };
}

/** Removes every trace of earlier drills. */
export async function answerClean(session: DrillSession): Promise<Answer> {
  assertSupported();
  const { host, clock, reporter, interruption } = session;
  const { listLabTraces, removeLabTraces } = await import('@kube-rescue/lab');
  const found = await listLabTraces({ host });
  const onProgress = ({ message }: { readonly message: string }): void => reporter.print(message);
  const ids = await removeLabTraces({ kept: true }, { host, clock, onProgress, signal: interruption.signal });
  const removed = found.filter(({ labId }) => ids.includes(labId));
  const lines = removed.map(({ kind, what }) => `removed ${kind} ${what}`);
  const summary = ids.length === 0 ? 'no drill has left anything behind' : `removed ${count(ids.length, 'cluster')}`;
  return { result: { clusters: ids, removed }, exitCode: EXIT.done, text: () => [...lines, summary].join('\n') };
}

function judge({ scenario, proofs }: DrillReport): DrillError | undefined {
  const missing = proofs.filter(({ ok }) => !ok);
  if (missing.length === 0) return undefined;
  return new DrillError({
    code: 'DRILL_PROOF_FAILED',
    message: missing.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
    subject: scenario,
    hint: 'run it again with --keep and inspect the cluster',
  });
}

/**
 * Requires Linux. The lab itself reports missing root, Debian packages and control groups.
 * @throws DrillError `DRILL_UNSUPPORTED`
 */
function assertSupported(): void {
  if (process.platform === 'linux') return;
  throw new DrillError({
    code: 'DRILL_UNSUPPORTED',
    message: 'a drill makes namespaces, mounts and control groups, which needs Linux',
    subject: process.platform,
    hint: 'run it on a Debian 12 machine or virtual machine',
  });
}
