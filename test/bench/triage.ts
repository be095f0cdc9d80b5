import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { buildPki, plantTree } from '@kube-rescue/testing';
import { type BenchOptions, type BenchResult, type BenchRow, median } from './bench.ts';

const ROUNDS = 25;
const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const TRIAGE = ['triage'];
const CHECK = ['certs', 'check'];
/** A new release may take so much of the time of the one before. */
const MOST = 1.1;
/** Causes, flags, clock and addresses beside the certificates. */
const MOST_BESIDE_CHECK = 1.6;
const FOUND = 3;

/**
 * The commands that an operator starts with, on a copy of a kubeadm node with expired certificates: processor time of the whole
 * process, in turns. The peer is `certs check` of the same build, and with a baseline the same command of that build.
 *
 * Processor time, because the time on the clock says more about the other processes of the machine.
 */
export async function run({ baseline }: BenchOptions): Promise<BenchResult> {
  const root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-bench-'));
  try {
    const { tree } = await buildPki({ expired: ['apiserver', 'etcd/server', 'scheduler.conf', 'kubelet-client'] });
    await plantTree(createLocalHost({ root: hostPath(root) }), tree);
    const runs = [
      { checkout: CHECKOUT, words: TRIAGE },
      { checkout: CHECKOUT, words: CHECK },
      ...(baseline === undefined ? [] : [TRIAGE, CHECK].map((words) => ({ checkout: path.resolve(baseline), words }))),
    ];
    const taken = runs.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [at, { checkout, words }] of runs.entries()) taken[at]?.push(await measure(checkout, words, root));
    }
    const [triage = 0, check = 0, before, checkBefore] = taken.map(median);
    const row = (what: string, ours: number, peerName: string, peer: number, target: number): BenchRow => ({
      ...{ what, ours, peerName, peer, target },
      unit: 's',
    });
    return {
      name: 'triage',
      rows: [
        row('processor time of triage', triage, 'certs check of the same build', check, MOST_BESIDE_CHECK),
        ...(before === undefined ? [] : [row('processor time of triage', triage, 'the baseline', before, MOST)]),
        ...(checkBefore === undefined
          ? []
          : [row('processor time of certs check', check, 'the baseline', checkBefore, MOST)]),
      ],
    };
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Seconds of the processor; GNU time counts them. */
async function measure(checkout: string, words: readonly string[], root: string): Promise<number> {
  const program = path.join(checkout, 'apps/cli/bin/run.js');
  const argv = ['--format=%U %S', process.execPath, program, ...words, '--root', root];
  const child = spawn('time', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => errors.push(chunk));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  // The node has expired certificates.
  if (exitCode !== FOUND) throw new Error(`${program} ${words.join(' ')} ended with ${exitCode}: ${errors.join('')}`);
  const [user, system] = (errors.join('').trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return (user ?? Number.NaN) + (system ?? Number.NaN);
}
