import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import {
  KUBERNETES_RELEASES,
  type LabDeps,
  provideKubernetesBinaries,
  SELF_HOSTED_SCENARIOS,
  type SelfHostedCluster,
} from '@kube-rescue/lab';
import { recoverAndWatch } from '../../apps/drill/src/recovery/recovery-watch.ts';
import { runRescue } from '../../apps/drill/src/rescue-command.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { type LoadSize, plantObjects } from './planted-objects.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

/** The cost of one recovery. */
interface LoadRun {
  readonly size: LoadSize;
  readonly phases: readonly string[];
  readonly seconds: number;
  /** The part that was not waiting for Kubernetes, etcd or leases. */
  readonly ownSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  /** Load average of the machine. */
  readonly loadAverage: number;
}

const FULL: LoadSize = { secrets: 5000, deployments: 500, nodes: 200 };
const HALF: LoadSize = { secrets: 2500, deployments: 250, nodes: 100 };
const PEAK_LIMIT_MIB = 300;
/** Twice the objects may take twice the time, plus the variation between runs. */
const GROWTH_LIMIT = 2.2;
const KIB_PER_MIB = 1024;
const REPORT = fileURLToPath(new URL('../../test-results/load.json', import.meta.url));
const KUBECONFIG = '/etc/kubernetes/kubeconfig';
/** GNU time reports the peak resident memory (VmHWM) and the processor time. */
const WITNESS = ['time', '--format=witness %M %U %S'];
const saturday = SELF_HOSTED_SCENARIOS.saturday;

/** Recovers the cluster by one command on its control-plane node. */
async function recover(cluster: SelfHostedCluster, deps: LabDeps): Promise<Omit<LoadRun, 'size'>> {
  const { user, port, identity, knownHosts } = cluster.ssh;
  const { node, serviceCommand } = cluster.worker;
  const { awsEndpoint, resolver } = cluster.outside;
  const words = [
    ...['recover', '--yes', '--via', 'etcd', ...(saturday.recoverFlags ?? [])],
    ...['--join', `${user}@${node.name}`, '--ssh-port', String(port), '--ssh-identity', identity],
    ...['--ssh-known-hosts', knownHosts, '--ssh-service-command', serviceCommand],
    ...['--resolver', resolver, '--scheme', 'http'],
  ];
  const world = ['env', `AWS_ENDPOINT_URL=${awsEndpoint}`, 'AWS_REGION=us-east-1'];
  const watched = { ...cluster, enter: () => [...cluster.enter(), ...world, ...WITNESS] as const };
  let witness = '';
  const onLine = (line: string): void => {
    if (line.startsWith('witness ')) witness = line;
    else process.stderr.write(`   | ${line}\n`);
  };
  const signal = new AbortController().signal;
  const { answer, times } = await recoverAndWatch(
    cluster,
    { kubeconfig: cluster.kubeconfig ?? KUBECONFIG },
    {},
    () => runRescue(watched, words, { host: deps.host, signal, onLine }),
    { ...deps, signal },
  );
  if (answer.envelope?.ok !== true) throw new Error(`recover ended with ${answer.exitCode}: ${answer.lastWords}`);
  const [, peak, user_, system] = witness.split(' ').map(Number);
  return {
    phases: times.phases.map(({ phase }) => phase),
    seconds: times.seconds,
    ownSeconds: times.seconds - times.waitedSeconds,
    cpuSeconds: (user_ ?? 0) + (system ?? 0),
    peakMiB: (peak ?? Infinity) / KIB_PER_MIB,
    loadAverage: loadavg()[1] ?? 0,
  };
}

async function measure(size: LoadSize, deps: LabDeps): Promise<LoadRun> {
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  const cluster = await saturday.createCluster(
    { release: RELEASE, binaries: hostPath(directory), ownerPid: process.pid },
    deps,
  );
  try {
    await plantObjects(cluster, size, deps);
    await saturday.breakCluster(cluster, deps);
    return { size, ...(await recover(cluster, deps)) };
  } finally {
    await cluster.remove();
  }
}

function judge(half: LoadRun, full: LoadRun): readonly string[] {
  const growth = full.ownSeconds / half.ownSeconds;
  return [
    ...(full.peakMiB > PEAK_LIMIT_MIB ? [`peak memory is above ${PEAK_LIMIT_MIB} MiB`] : []),
    ...(growth > GROWTH_LIMIT ? [`twice the objects took ${growth.toFixed(2)} times our own time`] : []),
    ...(half.phases.join() === full.phases.join()
      ? []
      : [`different phases: ${half.phases.join()} and ${full.phases.join()}`]),
  ];
}

const deps: LabDeps = {
  host: createLocalHost(),
  clock: systemClock,
  onProgress: ({ message }) => process.stderr.write(`   ${message}\n`),
};
const half = await measure(HALF, deps);
const full = await measure(FULL, deps);
const reasons = judge(half, full);
await mkdir(path.dirname(REPORT), { recursive: true });
await writeFile(REPORT, `${JSON.stringify({ half, full, reasons }, null, 2)}\n`);
for (const { size, ...run } of [half, full]) {
  const objects = `${size.secrets} Secrets, ${size.deployments} Deployments, ${size.nodes} Nodes`;
  const took = `${run.seconds.toFixed(0)} s, ${run.ownSeconds.toFixed(1)} s our own (${run.cpuSeconds.toFixed(1)} s of processor)`;
  process.stdout.write(
    `${objects}: ${took}, peak ${run.peakMiB.toFixed(0)} MiB, at load ${run.loadAverage.toFixed(0)}\n`,
  );
}
for (const reason of reasons) process.stdout.write(`MISSED: ${reason}\n`);
process.exitCode = reasons.length === 0 ? 0 : 1;
