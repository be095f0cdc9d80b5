import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster, LabDeps } from '@kube-rescue/lab';
import {
  type InterruptionOptions,
  type InterruptionPoint,
  type InterruptionReport,
  tryInterruption,
} from './cluster-crash.ts';

/**
 * Tries the interruptions one after the other, prints their outcomes and counts, and updates the report in `test-results`
 * after each. The process exits 1 when one is lost.
 */
export async function tryInterruptions(
  cluster: Cluster,
  input: {
    readonly interruptions: readonly InterruptionPoint[];
    /** The number of journal lines of an undisturbed recovery. */
    readonly lines: number;
    readonly options?: InterruptionOptions;
    /** The name of the report, without directory and extension. */
    readonly report: string;
  },
  deps: LabDeps,
): Promise<void> {
  const file = fileURLToPath(new URL(`../../test-results/${input.report}.json`, import.meta.url));
  const quiet = { host: deps.host, clock: deps.clock };
  const reports: InterruptionReport[] = [];
  await mkdir(path.dirname(file), { recursive: true });
  for (const point of input.interruptions) {
    const report = await tryInterruption(cluster, point, quiet, input.options);
    reports.push(report);
    const { line, delayMs, signal, at, ended, seconds, reasons } = report;
    const when = `line ${line} of ${input.lines}${delayMs > 0 ? ` and ${delayMs} ms` : ''}`;
    process.stdout.write(
      `${ended.padEnd(12)}${signal} at ${when} (${at}), ${seconds} s${reasons.map((each) => `\n  ${each}`).join('')}\n`,
    );
    await writeFile(file, `${JSON.stringify(reports, null, 2)}\n`);
  }
  const count = (ended: InterruptionReport['ended']): number =>
    reports.filter((report) => report.ended === ended).length;
  process.stdout.write(
    `${reports.length} points: ${count('resumed')} resumed, ${count('rolledBack')} rolled back, ${count('lost')} lost\n`,
  );
  process.exitCode = count('lost') === 0 ? 0 : 1;
}
