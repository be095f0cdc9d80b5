import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@kube-rescue/lab';
import { type BenchResult, median } from './bench.ts';
import { withCluster } from './lab-session.ts';

const ROUNDS = 9;
const BIN = fileURLToPath(new URL('../../apps/cli/bin/run.js', import.meta.url));
const KIB_PER_MIB = 1024;

interface Cost {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** The same check on the same node, start to finish, with a running API server. */
export async function run(): Promise<BenchResult> {
  return withCluster(async (cluster) => {
    const ours: Cost[] = [];
    const theirs: Cost[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push(await measure(cluster, [process.execPath, BIN, 'certs', 'check']));
      theirs.push(await measure(cluster, [`${cluster.binaries}/kubeadm`, 'certs', 'check-expiration']));
    }
    const peerName = 'kubeadm certs check-expiration';
    const pick = (costs: readonly Cost[], key: keyof Cost): number => median(costs.map((cost) => cost[key]));
    return {
      name: 'certs-check',
      rows: [
        {
          what: 'start to finish',
          peerName,
          ours: pick(ours, 'seconds'),
          peer: pick(theirs, 'seconds'),
          unit: 's',
          target: 1,
        },
        {
          what: 'peak memory',
          peerName,
          ours: pick(ours, 'mebibytes'),
          peer: pick(theirs, 'mebibytes'),
          unit: 'MiB',
          target: undefined,
        },
      ],
    };
  });
}

/** Runs a program on the node; GNU time reports its peak memory. */
async function measure(cluster: Cluster, argv: readonly string[]): Promise<Cost> {
  const [program, ...prefix] = cluster.enter();
  const started = performance.now();
  const child = spawn(program, [...prefix, 'time', '--format=%M', ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - started) / 1000;
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${errors.join('')}`);
  return { seconds, mebibytes: Number(errors.join('').trim().split('\n').at(-1)) / KIB_PER_MIB };
}
