import {
  type Cluster,
  expireCertificates,
  type LabDeps,
  recoverByKubeadm,
  restartControlPlane,
  seeNewWorkload,
} from '@kube-rescue/lab';
import { watchForReadyApi } from '../../apps/drill/src/recovery/api-watch.ts';
import { runRescue } from '../../apps/drill/src/rescue-command.ts';
import { type BenchOptions, type BenchResult, median } from './bench.ts';
import { withCluster, withProgram } from './lab-session.ts';

const ROUNDS = 3;

/** kubeadm's procedure may leave a controller behind that works on with its expired certificate: longer is not waited. */
const WORKLOAD_DEADLINE_MS = 180_000;

interface Times {
  readonly toReadyApi: number;
  /** Until a Deployment that was created meanwhile has a pod that runs and answers. */
  readonly toWorkload: number;
}

/**
 * The same fault on the same cluster: our recovery by the one file, a restart as the lower bound, and the recovery that kubeadm documents.
 * Each is measured from its start to the first good answer of `/readyz`, and to a new pod that runs.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  return withProgram((program) => compare(program, options));
}

async function compare(program: readonly string[], { kubernetes = '1.37' }: BenchOptions): Promise<BenchResult> {
  return withCluster(async (cluster, deps) => {
    const ours: Times[] = [];
    const floor: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      floor.push((await restartControlPlane(cluster, { from: 'stopped' }, deps)).secondsToReadyApi);
      await expireCertificates(cluster, deps);
      ours.push(await withWorkload(cluster, deps, () => recover(cluster, program, deps)));
    }
    await expireCertificates(cluster, deps);
    const kubeadm = await withWorkload(
      cluster,
      deps,
      async () => (await recoverByKubeadm(cluster, deps)).secondsToReadyApi,
    );
    const fault = 'all certificates expired, kubelet and containers down';
    const api = { what: `${fault}: seconds to a ready API`, ours: median(ours.map((each) => each.toReadyApi)) };
    const workload = {
      what: `${fault}: seconds to a new pod that runs`,
      ours: median(ours.map((each) => each.toWorkload)),
    };
    const documented = { peerName: 'the recovery that kubeadm documents', unit: 's' } as const;
    return {
      name: `recover on Kubernetes ${kubernetes}`,
      rows: [
        { ...api, ...documented, peer: kubeadm.toReadyApi, target: 0.25 },
        { ...api, peerName: 'a restart with valid certificates', unit: 's', peer: median(floor), target: 1.2 },
        { ...workload, ...documented, peer: kubeadm.toWorkload, target: 0.35 },
      ],
    };
  }, kubernetes);
}

async function withWorkload(cluster: Cluster, deps: LabDeps, recovery: () => Promise<number>): Promise<Times> {
  const started = performance.now();
  const signal = AbortSignal.timeout(WORKLOAD_DEADLINE_MS);
  const see = async (): Promise<number> => {
    try {
      await seeNewWorkload(cluster, { ...deps, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      process.stderr.write(`   no new pod ran within ${WORKLOAD_DEADLINE_MS / 1000} s\n`);
    }
    return (performance.now() - started) / 1000;
  };
  const [toReadyApi, toWorkload] = await Promise.all([recovery(), see()]);
  return { toReadyApi, toWorkload };
}

async function recover(cluster: Cluster, program: readonly string[], deps: LabDeps): Promise<number> {
  const ended = new AbortController();
  const question = { url: `https://${cluster.node.address}:6443/readyz`, ca: '/etc/kubernetes/pki/ca.crt' };
  const ready = watchForReadyApi(cluster, question, { ...deps, signal: ended.signal });
  const onLine = (line: string): boolean => process.stderr.write(`   | ${line}\n`);
  const { exitCode, lastWords } = await runRescue(cluster, ['recover', '--yes'], {
    ...deps,
    signal: ended.signal,
    onLine,
    program,
  });
  if (exitCode !== 0) ended.abort();
  const seconds = await ready;
  if (exitCode !== 0 || seconds === undefined) throw new Error(`the recovery ended with ${exitCode}: ${lastWords}`);
  return seconds;
}
