import { type BenchResult, type BenchRow, median } from './bench.ts';
import { withCluster } from './lab-session.ts';
import { packageForTest } from '../single-file/packaged.fixture.ts';
import { secondsOnCluster } from './cluster-command.ts';

const ROUNDS = 15;

/** The one file that people carry, start to finish on a live node, in turns with kubeadm on the same node. */
export async function run(): Promise<BenchResult> {
  const packaged = await packageForTest('--architecture', process.arch, '--bare');
  try {
    return await withCluster(async (cluster) => {
      const kubeadm = `${cluster.binaries}/kubeadm`;
      const { executable } = packaged;
      const check = [kubeadm, 'certs', 'check-expiration'] as const;
      const pairs = [
        {
          what: 'version',
          ours: [executable, '--version'],
          peer: [kubeadm, 'version', '-o', 'short'],
          target: undefined,
        },
        { what: 'certificates checked', ours: [executable, 'certs', 'check'], peer: check, target: 0.6 },
        { what: 'triage, against certificates checked', ours: [executable, 'triage'], peer: check, target: undefined },
      ] as const;
      const rows: BenchRow[] = [];
      for (const { what, ours, peer, target } of pairs) {
        const seconds = { ours: [] as number[], peer: [] as number[] };
        for (let round = 0; round < ROUNDS; round += 1) {
          seconds.peer.push(await secondsOnCluster(cluster, peer));
          seconds.ours.push(await secondsOnCluster(cluster, ours));
        }
        const peerName = peer.slice(1).join(' ');
        rows.push({
          what,
          peerName: `kubeadm ${peerName}`,
          ours: median(seconds.ours),
          peer: median(seconds.peer),
          unit: 's',
          target,
        });
      }
      return { name: 'start', rows };
    });
  } finally {
    await packaged.remove();
  }
}
