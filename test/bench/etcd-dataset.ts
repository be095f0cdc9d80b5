import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openEtcd } from '@kube-rescue/etcd-access';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { type BenchOptions, median } from './bench.ts';

const KEYS = 100_000;
const VALUE_BYTES = 2048;
const WRITERS = 256;
const KIB_PER_MIB = 1024;
const CLIENT = fileURLToPath(new URL('etcd-client-process.js', import.meta.url));

/** The cost of a program from start to finish. */
export interface Cost {
  readonly seconds: number;
  /** Peak resident memory. */
  readonly mebibytes: number;
}

/**
 * An etcd with mutual TLS on the loopback that holds 100,000 values of 2 KB below /registry/: etcd and etcdctl of the version of
 * Kubernetes, 1.37 by default.
 */
export async function withFilledEtcd<T>(
  { kubernetes = '1.37' }: Pick<BenchOptions, 'kubernetes'>,
  work: (etcd: RunningEtcd) => Promise<T>,
): Promise<T> {
  const release = KUBERNETES_RELEASES[kubernetes];
  if (release.etcdVersion !== undefined) {
    const deps = { host: createLocalHost(), clock: systemClock };
    const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release }, deps);
    process.env['PATH'] = `${directory}:${process.env['PATH'] ?? ''}`;
  }
  const etcd = await startEtcd({ arguments: ['--quota-backend-bytes=8589934592'] });
  try {
    process.stderr.write(`filling etcd with ${KEYS} values\n`);
    await fill(etcd);
    return await work(etcd);
  } finally {
    await etcd.stop();
  }
}

async function fill({ endpoints, pki }: RunningEtcd): Promise<void> {
  const tls = pki && { ca: pki.ca.certificate, client: pki.client };
  const client = await openEtcd({ endpoints, tls }, { host: createLocalHost(), clock: systemClock });
  const numbers = Array.from({ length: KEYS }, (_, index) => index).values();
  const write = async (): Promise<void> => {
    for (const number of numbers) {
      const key = Buffer.from(`/registry/secrets/namespace-${number % 100}/secret-${number}`);
      await client.compareAndSwap({ key, modRevision: 0n, value: randomBytes(VALUE_BYTES) });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  client.close();
}

/** The command for `task` with our client, or with a gRPC library as the baseline. */
export function clientProcess(
  client: 'kube-rescue' | 'connect-node',
  task: 'read' | 'snapshot',
  { endpoints, directory }: RunningEtcd,
  target = '',
): readonly string[] {
  return [process.execPath, CLIENT, client, task, endpoints[0] ?? '', directory, target];
}

/** The command for the same with etcdctl. */
export function etcdctlProcess(etcd: RunningEtcd, ...words: readonly string[]): readonly string[] {
  return ['etcdctl', ...etcd.etcdctlFlags, ...words];
}

/** Runs a program and discards its output; GNU time reports its peak memory. */
export async function measure(argv: readonly string[]): Promise<Cost> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const started = performance.now();
  const child = spawn('time', ['--format=%M', ...argv], { stdio: ['ignore', 'ignore', 'pipe'], env });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - started) / 1000;
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${errors.join('')}`);
  return { seconds, mebibytes: Number(errors.join('').trim().split('\n').at(-1)) / KIB_PER_MIB };
}

/** The medians of several runs. */
export function medianOf(costs: readonly Cost[]): Cost {
  return {
    seconds: median(costs.map(({ seconds }) => seconds)),
    mebibytes: median(costs.map(({ mebibytes }) => mebibytes)),
  };
}
