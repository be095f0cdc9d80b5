import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  type Cluster,
  expireCertificates,
  type FileSnapshot,
  type LabDeps,
  proveLife,
  snapshotFiles,
} from '@kube-rescue/lab';
import { BIN } from '../../apps/cli/src/cli-process.fixture.ts';
import { runRescue } from '../../apps/drill/src/rescue-command.ts';
import type { NodeDisk } from './node-disk.ts';
import { listNodeFiles } from './node-files.ts';

/** When a recovery of a real cluster is interrupted, and how it is continued. */
export interface InterruptionPoint {
  /** The number of journal lines at which it is interrupted, */
  readonly line: number;
  /** plus this delay. */
  readonly delayMs: number;
  readonly signal: 'SIGKILL' | 'SIGINT' | 'power cut';
  readonly continuation: 'resume' | 'rollback';
}

/** The outcome of an interruption. */
export interface InterruptionReport extends InterruptionPoint {
  /** The phase and the last record of the journal at the interruption. */
  readonly at: string;
  readonly ended: 'resumed' | 'rolledBack' | 'lost';
  /** The reasons of a loss; otherwise empty. */
  readonly reasons: readonly string[];
  readonly seconds: number;
}

const RUNS = 'files/var/lib/kube-rescue/runs';
const DELAY_MS = 1500;

/**
 * Spreads `count` interruptions evenly over a journal of `lines` lines: every second with a delay, every third by Ctrl-C,
 * every fourth rolled back instead of resumed.
 */
export function spreadInterruptions(lines: number, count: number): readonly InterruptionPoint[] {
  return Array.from({ length: count }, (_, index) => ({
    line: 1 + Math.floor((index * (lines - 1)) / count),
    delayMs: index % 2 === 1 ? DELAY_MS : 0,
    signal: index % 3 === 2 ? 'SIGINT' : 'SIGKILL',
    continuation: index % 4 === 3 ? 'rollback' : 'resume',
  }));
}

/** What a recovery has to repair. */
export type Breakage = (cluster: Cluster, deps: LabDeps) => Promise<void>;

/** Recovers the cluster undisturbed. Returns the number of lines of its journal. */
export async function measureJournal(
  cluster: Cluster,
  deps: LabDeps,
  breakCluster: Breakage = expireCertificates,
): Promise<number> {
  await breakCluster(cluster, deps);
  const { exitCode, lastWords } = await rescue(cluster, deps, 'recover', '--yes');
  if (exitCode !== 0) throw new Error(`the undisturbed recovery ended with ${exitCode}: ${lastWords}`);
  return (await readJournal(cluster)).lines.length;
}

export interface InterruptionOptions {
  /** The node's disk, for a power cut. */
  readonly disk?: NodeDisk | undefined;
  /** Default: its certificates have expired, and its machine has restarted. */
  readonly breakCluster?: Breakage | undefined;
  /** Workloads have containers that started since then. Default: since the cluster was broken. */
  readonly since?: Date | undefined;
}

/** Breaks the cluster, interrupts its recovery, resumes it or rolls it back, and checks that nothing is left. */
export async function tryInterruption(
  cluster: Cluster,
  point: InterruptionPoint,
  deps: LabDeps,
  { disk, breakCluster = expireCertificates, since }: InterruptionOptions = {},
): Promise<InterruptionReport> {
  const started = deps.clock.now();
  const earlier = new Set(await runsOf(cluster));
  await breakCluster(cluster, deps);
  const broken = await snapshotFiles(cluster, deps);
  const at = await interruptRecovery(cluster, point, earlier, disk);
  const reasons: string[] = [];
  if (point.continuation === 'rollback') reasons.push(...(await rollBack(cluster, earlier, broken, deps)));
  const unfinished = (await newRun(cluster, earlier)) !== undefined && point.continuation === 'resume';
  const again = await rescue(cluster, deps, 'recover', '--yes', ...(unfinished ? ['--resume'] : []));
  // A run that was interrupted after its last record is done, so there is nothing to resume.
  if (again.exitCode !== 0 && !JSON.stringify(again.envelope ?? '').includes('RUN_NOT_FOUND')) {
    reasons.push(`recover ended with ${again.exitCode}: ${again.lastWords}`);
  }
  for (const { ok, name, detail } of await proveLife(cluster, { since: since ?? started }, deps)) {
    if (!ok) reasons.push(`${name}: ${detail}`);
  }
  reasons.push(...(await findRemains(cluster, deps)));
  const seconds = Math.round((deps.clock.now().getTime() - started.getTime()) / 1000);
  const ended = reasons.length > 0 ? 'lost' : point.continuation === 'rollback' ? 'rolledBack' : 'resumed';
  return { ...point, at, ended, reasons, seconds };
}

async function interruptRecovery(
  cluster: Cluster,
  point: InterruptionPoint,
  earlier: ReadonlySet<string>,
  disk: NodeDisk | undefined,
): Promise<string> {
  const [program, ...words] = [...cluster.enter(), process.execPath, BIN, 'recover', '--yes'];
  const child = spawn(program, [...words, '--service-command', cluster.serviceCommand], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && child.signalCode === null) {
    const { lines } = await readJournal(cluster, earlier);
    if (lines.length >= point.line) {
      await new Promise((resolve) => setTimeout(resolve, point.delayMs));
      const at = describeEnd((await readJournal(cluster, earlier)).lines);
      await interrupt(child, point, disk);
      await ended;
      if (point.signal === 'power cut') await disk?.restart();
      return at;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ended;
  return 'the end';
}

async function interrupt(
  child: ChildProcess,
  { signal }: InterruptionPoint,
  disk: NodeDisk | undefined,
): Promise<void> {
  if (signal === 'power cut') await disk?.cut();
  child.kill(signal === 'power cut' ? 'SIGKILL' : signal);
}

async function rollBack(
  cluster: Cluster,
  earlier: ReadonlySet<string>,
  broken: FileSnapshot,
  deps: LabDeps,
): Promise<readonly string[]> {
  const run = await newRun(cluster, earlier);
  const { exitCode, lastWords } =
    run === undefined
      ? { exitCode: 0, lastWords: '' }
      : await rescue(cluster, deps, 'rollback', run, '--yes', '--force');
  if (exitCode !== 0) return [`rollback ended with ${exitCode}: ${lastWords}`];
  const now = await snapshotFiles(cluster, deps);
  const names = new Set([...Object.keys(broken), ...Object.keys(now)]);
  const changed = [...names].filter((name) => broken[name] !== now[name]);
  return changed.map((name) => `changed after the rollback: ${name}`);
}

async function findRemains(cluster: Cluster, deps: LabDeps): Promise<readonly string[]> {
  const second = await rescue(cluster, deps, 'recover', '--yes');
  const { outcome } = (second.envelope as { result?: { outcome?: string } } | undefined)?.result ?? {};
  const files = await listNodeFiles(cluster.node);
  const remains = files.filter(
    (name) => name.endsWith('.kube-rescue.tmp') || /kube-rescue\/runs\/[^/]+\/reserve$/.test(name),
  );
  return [
    ...(outcome === 'nothing-to-do'
      ? []
      : [`a second recover did not end with nothing to do: ${outcome ?? second.lastWords}`]),
    ...remains.map((name) => `not removed: ${name}`),
  ];
}

function rescue(cluster: Cluster, deps: LabDeps, ...args: readonly string[]): ReturnType<typeof runRescue> {
  const { signal } = new AbortController();
  return runRescue(cluster, args, { host: deps.host, signal, onLine: () => undefined });
}

async function runsOf({ node }: Cluster): Promise<readonly string[]> {
  return (await readdir(path.join(node.directory, RUNS)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
}

async function newRun(cluster: Cluster, earlier: ReadonlySet<string>): Promise<string | undefined> {
  return (await runsOf(cluster)).findLast((id) => !earlier.has(id));
}

async function readJournal(
  cluster: Cluster,
  earlier: ReadonlySet<string> = new Set(),
): Promise<{ readonly lines: readonly string[] }> {
  const run = await newRun(cluster, earlier);
  const file = path.join(cluster.node.directory, RUNS, run ?? 'none', 'journal.jsonl');
  const text = await readFile(file, 'utf8').catch(() => '');
  return { lines: text.split('\n').slice(0, -1) };
}

function describeEnd(lines: readonly string[]): string {
  const records = lines.map((line) => JSON.parse(line) as { type: string; phase?: string; step?: string });
  const last = records.at(-1);
  const phase = records.findLast((record) => record.phase !== undefined)?.phase ?? 'start';
  return last === undefined ? 'start' : `${phase}: ${last.type}${last.step === undefined ? '' : ` ${last.step}`}`;
}
