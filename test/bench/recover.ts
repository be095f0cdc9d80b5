import {
  type Cluster,
  expireCertificates,
  type LabDeps,
  recoverByKubeadm,
  restartControlPlane,
} from '@kube-rescue/lab';
import { watchForReadyApi } from '../../apps/drill/src/recovery/api-watch.ts';
import { runRescue } from '../../apps/drill/src/rescue-command.ts';
import { type BenchResult, median } from './bench.ts';
import { withCluster } from './lab-session.ts';

const ROUNDS = 3;

/**
 * The same fault on the same cluster: our recovery, a restart as the lower bound, and the recovery that kubeadm documents.
 * Each is measured from its start to the first good answer of `/readyz`.
 */
export async function run(): Promise<BenchResult> {
  return withCluster(async (cluster, deps) => {
    const ours: number[] = [];
    const floor: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      floor.push((await restartControlPlane(cluster, { from: 'stopped' }, deps)).secondsToReadyApi);
      await expireCertificates(cluster, deps);
      ours.push(await recover(cluster, deps));
    }
    await expireCertificates(cluster, deps);
    const kubeadm = await recoverByKubeadm(cluster, deps);
    const what = 'all certificates expired, kubelet and containers down: seconds to a ready API';
    const measured = { what, ours: median(ours), unit: 's' } as const;
    return {
      name: 'recover',
      rows: [
        { ...measured, peerName: 'the recovery that kubeadm documents', peer: kubeadm.secondsToReadyApi, target: 0.33 },
        { ...measured, peerName: 'a restart with valid certificates', peer: median(floor), target: 1.2 },
      ],
    };
  });
}

async function recover(cluster: Cluster, deps: LabDeps): Promise<number> {
  const ended = new AbortController();
  const question = { url: `https://${cluster.node.address}:6443/readyz`, ca: '/etc/kubernetes/pki/ca.crt' };
  const ready = watchForReadyApi(cluster, question, { ...deps, signal: ended.signal });
  const onLine = (line: string): boolean => process.stderr.write(`   | ${line}\n`);
  const { exitCode, lastWords } = await runRescue(cluster, ['recover', '--yes'], {
    ...deps,
    signal: ended.signal,
    onLine,
  });
  if (exitCode !== 0) ended.abort();
  const seconds = await ready;
  if (exitCode !== 0 || seconds === undefined) throw new Error(`the recovery ended with ${exitCode}: ${lastWords}`);
  return seconds;
}
