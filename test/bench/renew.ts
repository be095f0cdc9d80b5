import { secondsOnCluster as seconds } from './cluster-command.ts';
import { type BenchResult, type BenchRow, median } from './bench.ts';
import { withCluster, withProgram } from './lab-session.ts';

const ROUNDS = 5;
/** The certificates that `kubeadm certs renew all` renews on a control-plane node. */
const LEAVES = [
  ...['admin.conf', 'apiserver', 'apiserver-etcd-client', 'apiserver-kubelet-client', 'controller-manager.conf'],
  ...['etcd/healthcheck-client', 'etcd/peer', 'etcd/server', 'front-proxy-client', 'scheduler.conf'],
];
const PEER = 'kubeadm certs renew all';

/**
 * The ten leaves that kubeadm renews, start to finish, in turns on the same node: with new RSA-2048 keys, and with the
 * existing keys; by the one file that people carry.
 */
export async function run(): Promise<BenchResult> {
  return withProgram(async ([program]) => {
    const renew = (...flags: readonly string[]) => [program, 'certs', 'renew', ...LEAVES, '--yes', ...flags] as const;
    return withCluster(async (cluster) => {
      const ours = { new: [] as number[], kept: [] as number[], none: [] as number[] };
      const theirs: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        theirs.push(await seconds(cluster, [`${cluster.binaries}/kubeadm`, 'certs', 'renew', 'all']));
        ours.new.push(await seconds(cluster, renew('--new-keys')));
        ours.kept.push(await seconds(cluster, renew()));
        ours.none.push(await seconds(cluster, [program, '--version']));
      }
      const peer = median(theirs);
      const row = (what: string, values: readonly number[], target: number | undefined): BenchRow => ({
        ...{ what, peerName: PEER, unit: 's' as const, peer, target },
        ours: median(values),
      });
      return {
        name: 'renew',
        rows: [
          row('ten leaves with new RSA-2048 keys, journalled and verified', ours.new, 0.5),
          row('ten leaves with their existing keys, journalled and verified', ours.kept, 0.15),
          row('only the start of the program', ours.none, undefined),
        ],
      };
    });
  });
}
