import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchOptions, BenchResult } from './bench.ts';
import { clientProcess, type Cost, etcdctlProcess, measure, medianOf, withFilledEtcd } from './etcd-dataset.ts';

const ROUNDS = 5;

/** A snapshot of a database of about 400 MB, verified and flushed to disk, by a process, start to finish. */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-bench-'));
  try {
    return await withFilledEtcd(options, async (etcd) => {
      const ours: Cost[] = [];
      const etcdctl: Cost[] = [];
      const connect: Cost[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const [our, their] = ['ours.db', 'theirs.db'].map((name) => path.join(directory, name)) as [string, string];
        ours.push(await measure(clientProcess('kube-rescue', 'snapshot', etcd, our)));
        await rm(our);
        etcdctl.push(await measure(etcdctlProcess(etcd, 'snapshot', 'save', their)));
        await rm(their);
        connect.push(await measure(clientProcess('connect-node', 'snapshot', etcd)));
      }
      const our = medianOf(ours);
      const their = medianOf(etcdctl);
      const library = medianOf(connect);
      return {
        name: 'etcd-snapshot',
        rows: [
          {
            ...{ what: 'snapshot, start to finish', peerName: 'etcdctl snapshot save', unit: 's', target: 0.9 },
            ...{ ours: our.seconds, peer: their.seconds },
          },
          {
            ...{ what: 'peak memory', peerName: 'etcdctl snapshot save', unit: 'MiB', target: undefined },
            ...{ ours: our.mebibytes, peer: their.mebibytes },
          },
          {
            ...{ what: 'snapshot', peerName: 'connect-node, counted and not written', unit: 's', target: undefined },
            ...{ ours: our.seconds, peer: library.seconds },
          },
        ],
      };
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}
