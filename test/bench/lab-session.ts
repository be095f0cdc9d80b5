import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import {
  type Cluster,
  createCluster,
  KUBERNETES_RELEASES,
  type LabDeps,
  provideKubernetesBinaries,
} from '@kube-rescue/lab';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

/** Runs `work` with a new cluster and removes the cluster afterwards. */
export async function withCluster<T>(work: (cluster: Cluster, deps: LabDeps) => Promise<T>): Promise<T> {
  const host = createLocalHost();
  const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`   ${message}\n`);
  const deps: LabDeps = { host, clock: systemClock, onProgress };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  const cluster = await createCluster({ release: RELEASE, binaries: hostPath(directory), ownerPid: process.pid }, deps);
  try {
    return await work(cluster, deps);
  } finally {
    await cluster.remove();
  }
}
