import type { BenchOptions, BenchResult } from './bench.ts';
import { clientProcess, type Cost, etcdctlProcess, measure, medianOf, withFilledEtcd } from './etcd-dataset.ts';

const ROUNDS = 5;
const MEMORY_BOUND_MIB = 250;
/** Its default of 5 s ends the one response with every value on a busy machine. */
const PATIENT = '--command-timeout=120s';

/** 100,000 values of 2 KB over mutual TLS on the loopback, read and counted by a process, start to finish. */
export async function run(options: BenchOptions): Promise<BenchResult> {
  return withFilledEtcd(options, async (etcd) => {
    const ours: Cost[] = [];
    const etcdctl: Cost[] = [];
    const connect: Cost[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push(await measure(clientProcess('kube-rescue', 'read', etcd)));
      etcdctl.push(await measure(etcdctlProcess(etcd, 'get', PATIENT, '--prefix', '/registry/')));
      connect.push(await measure(clientProcess('connect-node', 'read', etcd)));
    }
    const our = medianOf(ours);
    const their = medianOf(etcdctl);
    const library = medianOf(connect);
    return {
      name: 'etcd-read',
      rows: [
        {
          ...{ what: 'read 100,000 x 2 KB, start to finish', peerName: 'etcdctl get --prefix', unit: 's', target: 1 },
          ...{ ours: our.seconds, peer: their.seconds },
        },
        {
          ...{ what: 'peak memory', peerName: 'the limit', unit: 'MiB', target: 1 },
          ...{ ours: our.mebibytes, peer: MEMORY_BOUND_MIB },
        },
        {
          ...{ what: 'peak memory', peerName: 'etcdctl get --prefix', unit: 'MiB', target: 0.5 },
          ...{ ours: our.mebibytes, peer: their.mebibytes },
        },
        {
          ...{ what: 'read 100,000 x 2 KB', peerName: 'connect-node, pages of 5,000', unit: 's', target: undefined },
          ...{ ours: our.seconds, peer: library.seconds },
        },
      ],
    };
  });
}
