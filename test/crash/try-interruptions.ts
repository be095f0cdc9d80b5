import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster, LabDeps } from '@kube-rescue/lab';
import { type InterruptedRotation, type InterruptionReport, tryInterruption } from './cluster-crash.ts';
import type { NodeDisk } from './node-disk.ts';

/**
 * Tries one cut after the other, prints what became of each and how many ended where, and keeps it in `test-results` after
 * each. The process ends with 1 when one is lost.
 */
export async function tryInterruptions(
  cluster: Cluster,
  input: {
    readonly cuts: readonly InterruptedRotation[];
    /** Of the journal of an undisturbed recovery. */
    readonly lines: number;
    readonly disk?: NodeDisk;
    /** The name of the file, without its directory and ending. */
    readonly report: string;
  },
  deps: LabDeps,
): Promise<void> {
  const file = fileURLToPath(new URL(`../../test-results/${input.report}.json`, import.meta.url));
  const quiet = { host: deps.host, clock: deps.clock };
  const reports: InterruptionReport[] = [];
  await mkdir(path.dirname(file), { recursive: true });
  for (const cut of input.cuts) {
    const report = await tryInterruption(cluster, cut, quiet, input.disk);
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
