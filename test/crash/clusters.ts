import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withCluster } from '../bench/lab-session.ts';
import { type CutOffReport, measureJournal, spreadCuts, tryCutOff } from './cluster-crash.ts';

const REPORT = fileURLToPath(new URL('../../test-results/crash-clusters.json', import.meta.url));
const DEFAULT_POINTS = 16;

const [given] = process.argv.slice(2);
const reports: CutOffReport[] = [];
await withCluster(async (cluster, deps) => {
  const lines = await measureJournal(cluster, deps);
  const quiet = { host: deps.host, clock: deps.clock };
  for (const cut of spreadCuts(lines, Number(given ?? DEFAULT_POINTS))) {
    const report = await tryCutOff(cluster, cut, quiet);
    reports.push(report);
    const { line, delayMs, signal, at, ended, seconds, reasons } = report;
    const when = `line ${line} of ${lines}${delayMs > 0 ? ` and ${delayMs} ms` : ''}`;
    process.stdout.write(
      `${ended.padEnd(12)}${signal} at ${when} (${at}), ${seconds} s${reasons.map((each) => `\n  ${each}`).join('')}\n`,
    );
    await mkdir(path.dirname(REPORT), { recursive: true });
    await writeFile(REPORT, `${JSON.stringify(reports, null, 2)}\n`);
  }
});
const count = (ended: CutOffReport['ended']): number => reports.filter((report) => report.ended === ended).length;
process.stdout.write(
  `${reports.length} points: ${count('resumed')} resumed, ${count('rolledBack')} rolled back, ${count('lost')} lost\n`,
);
process.exitCode = count('lost') === 0 ? 0 : 1;
