import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Cluster } from '@kube-rescue/lab';

/** Runs a program on a cluster's node; throws if it fails. */
export async function runOnCluster(
  cluster: Pick<Cluster, 'enter'>,
  argv: readonly [string, ...string[]],
): Promise<void> {
  const [program, ...prefix] = cluster.enter();
  const child = spawn(program, [...prefix, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${errors.join('').slice(-500)}`);
}

/** As `runOnCluster`, with the time from start to finish. */
export async function secondsOnCluster(
  cluster: Pick<Cluster, 'enter'>,
  argv: readonly [string, ...string[]],
): Promise<number> {
  const started = performance.now();
  await runOnCluster(cluster, argv);
  return (performance.now() - started) / 1000;
}
