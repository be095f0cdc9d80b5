import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import {
  type Cluster,
  createCluster,
  KUBERNETES_RELEASES,
  type KubernetesReleaseName,
  type LabDeps,
  provideKubernetesBinaries,
} from '@kube-rescue/lab';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { packageForTest } from '../single-file/packaged.fixture.ts';

/** Runs `work` with the argv of the one file that people carry to a node, made for this machine. */
export async function withProgram<T>(work: (program: readonly [string]) => Promise<T>): Promise<T> {
  const packaged = await packageForTest('--architecture', process.arch, '--bare');
  try {
    return await work([packaged.executable]);
  } finally {
    await packaged.remove();
  }
}

/** Runs `work` with a new cluster of this version and removes the cluster afterwards. */
export async function withCluster<T>(
  work: (cluster: Cluster, deps: LabDeps) => Promise<T>,
  kubernetes: KubernetesReleaseName = '1.20',
): Promise<T> {
  const release = KUBERNETES_RELEASES[kubernetes];
  const host = createLocalHost();
  const onProgress = ({ message }: { readonly message: string }): boolean => process.stderr.write(`   ${message}\n`);
  const deps: LabDeps = { host, clock: systemClock, onProgress };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release }, deps);
  const cluster = await createCluster({ release, binaries: hostPath(directory), ownerPid: process.pid }, deps);
  try {
    return await work(cluster, deps);
  } finally {
    await cluster.remove();
  }
}
