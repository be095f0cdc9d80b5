import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { CLUSTER_SCENARIOS, KUBERNETES_RELEASES, type LabDeps, provideKubernetesBinaries } from '@kube-rescue/lab';
import { carryProgram } from '../../apps/drill/src/carried-program.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { packageForTest } from '../single-file/packaged.fixture.ts';
import { type ChairPoint, type ChairReport, recoverFromChair, tryChairInterruption } from './chair-crash.ts';

// Kills the command that recovers three control planes over SSH, or its connection to one of them, and resumes it.

const RELEASE = KUBERNETES_RELEASES['1.37'];
const SCENARIO = CLUSTER_SCENARIOS['ha-expired'];
const REPORT = fileURLToPath(new URL('../../test-results/crash-chair.json', import.meta.url));
const DEFAULT_KILLS = 20;
const DEFAULT_LOSSES = 10;
/** The same moments in each run. */
const SEED = 'crash-chair';

const [kills = String(DEFAULT_KILLS), losses = String(DEFAULT_LOSSES)] = process.argv.slice(2);

/** A share of the undisturbed recovery, between 0 and 1, that looks random. */
function shareOf(name: string): number {
  return createHash('sha256').update(`${SEED} ${name}`).digest().readUInt32BE(0) / 2 ** 32;
}

function listPoints(seconds: number): readonly ChairPoint[] {
  const points = (what: ChairPoint['what'], count: number): readonly ChairPoint[] =>
    Array.from({ length: count }, (_, index) => ({
      what,
      afterMs: Math.round(shareOf(`${what} ${index}`) * seconds * 1000),
    }));
  return [...points('the command', Number(kills)), ...points('a connection', Number(losses))];
}

const deps: LabDeps = {
  host: createLocalHost(),
  clock: systemClock,
  onProgress: ({ message }) => process.stderr.write(`   ${message}\n`),
};
const quiet = { host: deps.host, clock: deps.clock };
const packaged = await packageForTest('--architecture', process.arch, '--bare');
const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
const cluster = await SCENARIO.createCluster(
  { release: RELEASE, binaries: hostPath(directory), ownerPid: process.pid },
  deps,
);
const reports: ChairReport[] = [];
try {
  const { signal } = new AbortController();
  const { program } = await carryProgram(cluster, hostPath(packaged.executable), { host: deps.host, signal });
  await SCENARIO.breakCluster(cluster, quiet);
  const started = systemClock.now().getTime();
  const { exitCode, stderr } = await recoverFromChair(cluster, program).ended;
  if (exitCode !== 0) throw new Error(`the undisturbed recovery ended with ${exitCode}: ${stderr.slice(-2000)}`);
  const seconds = (systemClock.now().getTime() - started) / 1000;
  process.stdout.write(`undisturbed: ${Math.round(seconds)} s\n`);
  await mkdir(path.dirname(REPORT), { recursive: true });
  for (const point of listPoints(seconds)) {
    const report = await tryChairInterruption(cluster, program, point, SCENARIO, quiet);
    reports.push(report);
    const { what, afterMs, at, ended, reasons } = report;
    const lines = reasons.map((each) => `\n  ${each}`).join('');
    process.stdout.write(
      `${ended.padEnd(9)}${what} after ${(afterMs / 1000).toFixed(1)} s (${at}), ${report.seconds} s${lines}\n`,
    );
    await writeFile(REPORT, `${JSON.stringify(reports, null, 2)}\n`);
  }
} finally {
  await cluster.remove();
  await packaged.remove();
}
const lost = reports.filter(({ ended }) => ended === 'lost').length;
process.stdout.write(
  `chair: ${reports.length} points: ${reports.length - lost} resumed, 0 rolled back, ${lost} lost\n`,
);
process.exitCode = lost === 0 ? 0 : 1;
