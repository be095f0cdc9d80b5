import { type Cluster, identifyApiServer, type LabDeps, proveLife, renewByKubeadm } from '@kube-rescue/lab';
import { runRescue } from '../../apps/drill/src/rescue-command.ts';
import { measureOutage } from './api-outage.ts';
import { type BenchOptions, type BenchResult, median } from './bench.ts';
import { withCluster, withProgram } from './lab-session.ts';

const ROUNDS = 3;
const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
/** Controllers lose their leases when the API server is away for 10 s. */
const LONGEST_OUTAGE_SECONDS = 8;
const LONGEST_RESTART_SECONDS = 20;

/**
 * A healthy control plane whose certificates are renewed and taken into use, by two commands of the one file and by the procedure that kubeadm
 * documents: how long the API server is away, on the same cluster.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  return withProgram((program) => compare(program, options));
}

async function compare(program: readonly string[], { kubernetes = '1.37' }: BenchOptions): Promise<BenchResult> {
  return withCluster(async (cluster, deps) => {
    const outages: number[] = [];
    const restarts: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { seconds } = await measureOutage(cluster, deps, async () => {
        await rescue(cluster, program, deps, ['certs', 'renew', '--all', '--yes']);
        const started = performance.now();
        await rescue(cluster, program, deps, ['manifests', 'restart', ...CONTROL_PLANE, '--yes']);
        restarts.push((performance.now() - started) / 1000);
      });
      outages.push(seconds);
      await assertAlive(cluster, deps);
    }
    const peer = await measureOutage(cluster, deps, async () => {
      await renewByKubeadm(cluster, deps);
    });
    const away = {
      what: 'a healthy control plane, certificates renewed and taken into use: API away',
      unit: 's',
    } as const;
    return {
      name: `renew-living on Kubernetes ${kubernetes}`,
      rows: [
        {
          ...away,
          ours: median(outages),
          peerName: 'the renewal that kubeadm documents',
          peer: peer.seconds,
          target: 0.25,
        },
        {
          ...away,
          ours: Math.max(...outages),
          peerName: 'the most, of three rounds',
          peer: LONGEST_OUTAGE_SECONDS,
          target: 1,
        },
        {
          ...{
            what: 'all four pods of the control plane restarted, each with a healthy successor',
            unit: 's' as const,
          },
          ...{ ours: median(restarts), peerName: 'the most', peer: LONGEST_RESTART_SECONDS, target: 1 },
        },
      ],
    };
  }, kubernetes);
}

async function rescue(
  cluster: Cluster,
  program: readonly string[],
  deps: LabDeps,
  args: readonly string[],
): Promise<void> {
  const before = await identifyApiServer(cluster, deps);
  const { exitCode, lastWords } = await runRescue(cluster, args, {
    host: deps.host,
    signal: deps.signal ?? new AbortController().signal,
    onLine: (line) => process.stderr.write(`   | ${line}\n`),
    program,
  });
  if (exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${exitCode}: ${lastWords}`);
  const isRestart = args[0] === 'manifests';
  if (isRestart && before === (await identifyApiServer(cluster, deps)))
    throw new Error('the API server was not restarted');
}

/** A restarted control plane that serves the new certificate and schedules new pods. */
async function assertAlive(cluster: Cluster, deps: LabDeps): Promise<void> {
  const failed = (await proveLife(cluster, { since: new Date(0) }, deps)).filter(({ ok }) => !ok);
  if (failed.length > 0) throw new Error(failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '));
}
