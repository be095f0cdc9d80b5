import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import {
  type LabDeps,
  provideKubernetesBinaries,
  SELF_HOSTED_SCENARIOS,
  type SelfHostedCluster,
} from '@kube-rescue/lab';
import { BIN } from '../../apps/cli/src/cli-process.fixture.ts';
import { locateBinaries } from '../../apps/cli/src/wiring.ts';

/** One recovery that is cut off again and again, each time a step or two further on, and gone on with each time. */
interface Kill {
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** The phase and the last record of the journal. */
  readonly at: string;
}

const REPORT = fileURLToPath(new URL('../../test-results/crash-saturday.json', import.meta.url));
const RUNS = 'files/var/lib/kube-rescue/runs';
const DELAYS_MS = [0, 400, 1500, 50];
const MOST_KILLS = 15;
/** Done, and done but for the AWS keys of the ingress, which nobody gives it here. */
const GOOD_ENDS = [0, 3];

interface JournalRecord {
  readonly type: string;
  readonly phase?: string;
  readonly step?: string;
}

async function readJournal({ node }: SelfHostedCluster): Promise<readonly JournalRecord[]> {
  const runs = path.join(node.folder, RUNS);
  const [run = 'none'] = await readdir(runs).catch(() => []);
  const text = await readFile(path.join(runs, run, 'journal.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalRecord);
}

function recover(cluster: SelfHostedCluster, resume: boolean): ChildProcess {
  const { user, port, identity, knownHosts } = cluster.ssh;
  const { node, serviceCommand } = cluster.worker;
  const scenario = SELF_HOSTED_SCENARIOS.saturday;
  const words = [
    ...[BIN, 'recover', '--yes', '--via', 'etcd', ...(scenario.recoverFlags ?? []), ...(resume ? ['--resume'] : [])],
    ...['--join', `${user}@${node.name}`, '--ssh-port', String(port), '--ssh-identity', identity],
    ...['--ssh-known-hosts', knownHosts, '--ssh-service-command', serviceCommand],
    ...['--service-command', cluster.serviceCommand],
  ];
  const [program, ...rest] = [...cluster.enter(), process.execPath, ...words];
  return spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Goes on with the recovery until another step or two are verified, and cuts it off in the next; tells how it ended by itself. */
async function goOn(cluster: SelfHostedCluster, kills: Kill[]): Promise<number | null | 'cut off'> {
  const before = await readJournal(cluster);
  const child = recover(cluster, before.length > 0);
  const ended = once(child, 'exit');
  const verified = (records: readonly JournalRecord[]): number =>
    records.filter(({ type }) => type === 'verified').length;
  const delayMs = DELAYS_MS[kills.length % DELAYS_MS.length] ?? 0;
  const steps = kills.length % 2;
  const signal = kills.length % 4 === 3 ? 'SIGINT' : 'SIGKILL';
  while (child.exitCode === null && child.signalCode === null) {
    const records = await readJournal(cluster);
    if (verified(records) > verified(before) + steps && kills.length < MOST_KILLS) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill(signal);
      await ended;
      const now = await readJournal(cluster);
      const phase = now.findLast((record) => record.phase !== undefined)?.phase ?? '';
      const { type, step = '' } = now.at(-1) ?? { type: 'nothing' };
      kills.push({ signal, at: `${phase}: ${type} ${step}`.trim() });
      process.stdout.write(`${signal} after ${now.length} lines (${kills.at(-1)?.at})\n`);
      return now.at(-1)?.type === 'end' && child.exitCode !== null ? child.exitCode : 'cut off';
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return child.exitCode;
}

const host = createLocalHost();
const deps: LabDeps = {
  host,
  clock: systemClock,
  onProgress: ({ message }) => process.stderr.write(`   ${message}\n`),
};
const { folder } = await provideKubernetesBinaries(locateBinaries(process.env), deps);
const scenario = SELF_HOSTED_SCENARIOS.saturday;
const cluster = await scenario.createCluster({ binaries: hostPath(folder), ownerPid: process.pid }, deps);
const kills: Kill[] = [];
const reasons: string[] = [];
try {
  const since = systemClock.now();
  await scenario.breakCluster(cluster, deps);
  let ended: number | null | 'cut off' = 'cut off';
  while (ended === 'cut off' || ended === 130) ended = await goOn(cluster, kills);
  if (ended === null || !GOOD_ENDS.includes(ended)) reasons.push(`recover --resume ended with ${ended}`);
  for (const { ok, name, detail } of await scenario.proveLife(cluster, { since }, deps)) {
    if (!ok) reasons.push(`${name}: ${detail}`);
  }
  const left = await readdir(path.join(cluster.node.folder, 'files'), { recursive: true });
  reasons.push(...left.filter((name) => name.endsWith('.kube-rescue.tmp')).map((name) => `left over: ${name}`));
} finally {
  await cluster.remove();
}
await mkdir(path.dirname(REPORT), { recursive: true });
await writeFile(REPORT, `${JSON.stringify({ kills, reasons }, null, 2)}\n`);
for (const reason of reasons) process.stdout.write(`LOST: ${reason}\n`);
const lost = reasons.length > 0 ? kills.length : 0;
process.stdout.write(`saturday: ${kills.length} points: ${kills.length - lost} resumed, 0 rolled back, ${lost} lost\n`);
process.exitCode = lost === 0 ? 0 : 1;
