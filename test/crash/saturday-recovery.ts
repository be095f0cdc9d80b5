import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { SELF_HOSTED_SCENARIOS, type SelfHostedCluster } from '@kube-rescue/lab';
import type { Plan } from '@kube-rescue/workflow';
import { BIN } from '../../apps/cli/src/cli-process.fixture.ts';
import type { Interruption, Moment } from './saturday-moments.ts';

const RUNS = 'files/var/lib/kube-rescue/runs';

interface JournalRecord {
  readonly type: string;
  readonly phase?: string;
  readonly step?: string;
}

/**
 * Runs or resumes the recovery until the first of `moments`, and interrupts it there.
 *
 * @returns the interruption, or the exit code of a complete recovery
 */
export async function recoverUntil(
  cluster: SelfHostedCluster,
  moments: readonly Moment[],
  resume: boolean,
): Promise<{ readonly interruption?: Interruption; readonly exitCode: number | null }> {
  const before = (await readJournal(cluster)).length;
  const child = recover(cluster, resume && before > 0 ? ['--yes', '--resume'] : ['--yes'], 'ignore');
  const ended = once(child, 'exit');
  while (child.exitCode === null && child.signalCode === null) {
    const fresh = (await readJournal(cluster)).slice(before);
    const moment = moments.find(({ type, step }) => fresh.some((each) => each.type === type && each.step === step));
    if (moment !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, moment.delayMs ?? 0));
      const signal = moment.signal ?? 'SIGKILL';
      const at = describeLocation(await readJournal(cluster));
      if (!child.kill(signal)) break;
      await ended;
      return { interruption: { what: moment.what, signal, at }, exitCode: child.exitCode };
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ended;
  return { exitCode: child.exitCode };
}

/** The steps that a further recovery would take, except for the backup. */
export async function findSaturdayWork(cluster: SelfHostedCluster): Promise<readonly string[]> {
  const child = recover(cluster, ['--dry-run', '--json'], 'pipe');
  const ended = once(child, 'exit');
  if (child.stdout === null) throw new Error('the output was not captured');
  const output = await text(child.stdout);
  await ended;
  const { result } = JSON.parse(output) as {
    readonly result?: { readonly plan?: Pick<Plan, 'entries'> };
  };
  if (result?.plan === undefined) return [`no plan was made: ${output.slice(0, 500)}`];
  const needed = result.plan.entries.filter(({ finding }) => finding.status !== 'ok').map(({ step }) => step);
  return needed.filter((step) => !step.startsWith('backup/'));
}

function recover(cluster: SelfHostedCluster, further: readonly string[], stdout: 'ignore' | 'pipe'): ChildProcess {
  const { user, port, identity, knownHosts } = cluster.ssh;
  const { node, serviceCommand } = cluster.worker;
  const { keysFile, resolver, awsEndpoint } = cluster.outside;
  const scenario = SELF_HOSTED_SCENARIOS.saturday;
  const words = [
    ...[BIN, 'recover', '--via', 'etcd', ...(scenario.recoverFlags ?? []), ...further],
    ...['--join', `${user}@${node.name}`, '--ssh-port', String(port), '--ssh-identity', identity],
    ...['--ssh-known-hosts', knownHosts, '--ssh-service-command', serviceCommand],
    ...['--service-command', cluster.serviceCommand],
    ...['--aws-credentials', keysFile, '--resolver', resolver, '--scheme', 'http'],
  ];
  const world = ['env', `AWS_ENDPOINT_URL=${awsEndpoint}`, 'AWS_REGION=us-east-1'];
  const [program, ...rest] = [...cluster.enter(), ...world, process.execPath, ...words];
  return spawn(program, rest, { stdio: ['ignore', stdout, 'inherit'] });
}

async function readJournal({ node }: SelfHostedCluster): Promise<readonly JournalRecord[]> {
  const runs = path.join(node.directory, RUNS);
  const [run = 'none'] = await readdir(runs).catch(() => []);
  const journal = await readFile(path.join(runs, run, 'journal.jsonl'), 'utf8').catch(() => '');
  return journal
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JournalRecord);
}

function describeLocation(records: readonly JournalRecord[]): string {
  const phase = records.findLast((record) => record.phase !== undefined)?.phase ?? 'start';
  const { type, step = '' } = records.at(-1) ?? { type: 'nothing' };
  return `${phase}: ${type} ${step}`.trim();
}
