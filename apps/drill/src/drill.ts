import { createProgress, type TimelineEntry } from 'kube-rescue/command-line';
import type {
  Cluster,
  ClusterInput,
  ClusterScenario,
  KeyAlgorithm,
  KubernetesRelease,
  LabProgress,
  Proof,
  SelfHostedScenarioName,
} from '@kube-rescue/lab';
import type { HostPath } from '@kube-rescue/host';
import { carryProgram } from './carried-program.ts';
import type { DrillSession } from './wiring.ts';
import type { RescueWithPower } from './rotation/rotation-rehearsal.ts';
import { rehearseRotation, type RotationUnderLoad } from './rotation/rotation-drill.ts';
import { rehearseTokenRotation } from './rotation/token-rotation-drill.ts';
import { rehearseKubeadm, rescue } from './kubeadm-drill.ts';
import type { KubeadmRehearsal } from './kubeadm-rehearsal.ts';
import { nameProofs } from './proofs/proofs.ts';
import type { RecoveryTimes } from './recovery/recovery-watch.ts';
import { type DrillNode, runRescue } from './rescue-command.ts';
import { provideFirst } from './provide-kubernetes.ts';
import { isLive, type LiveScenario, type Scenario, type Versions } from './scenarios.ts';
import { rehearseSelfHosted, type SelfHostedDrill } from './self-hosted-drill.ts';
import { createStopwatch } from './stopwatch.ts';

export interface DrillInput {
  readonly scenario: Scenario;
  readonly kubernetes: Versions;
  readonly algorithm: KeyAlgorithm;
  /** Keeps the cluster after the drill. */
  readonly keep: boolean;
  /** Ends once the cluster is broken and proven to be down. */
  readonly breakOnly: boolean;
  /** The one file to copy onto the node, which then has no Node.js. Default: the npm package of this drill. */
  readonly executable: HostPath | undefined;
  /** Several control planes are recovered from the first, over SSH. */
  readonly overSsh: boolean;
  /** Options of a drill on a self-hosted cluster. */
  readonly selfHosted: Omit<SelfHostedDrill, 'breakOnly'> & SelfHostedBeginning;
}

/** How the disaster of a self-hosted cluster begins. */
interface SelfHostedBeginning {
  readonly encrypted: boolean;
  /** Scheduler, kube-controller-manager and DNS still run, with the old CA in memory. */
  readonly podsRunning: boolean;
}

export interface DrillReport {
  readonly scenario: string;
  /** The version of Kubernetes, for example `v1.37.2`. */
  readonly kubernetes: string;
  readonly algorithm: KeyAlgorithm;
  readonly proofs: readonly Proof[];
  /** `null` without a recovery. */
  readonly recovery: RecoveryTimes | null;
  /** For a CA rotation, which breaks nothing: the failed requests of its clients. */
  readonly rotation?: RotationUnderLoad | undefined;
  readonly timeline: readonly TimelineEntry[];
  readonly seconds: number;
  /** The argv in front of a program on the node of a kept cluster; `null` when the cluster was removed. */
  readonly kept: readonly string[] | null;
}

/** A running drill. */
interface Rehearsal extends Omit<KubeadmRehearsal, 'scenario'> {
  /** The way to break it; or the name of a scenario that breaks nothing. */
  readonly scenario: ClusterScenario | LiveScenario;
}

/**
 * Rehearses a recovery on a real throwaway cluster: creates and breaks the cluster, proves that it is down, recovers it with
 * the command of a real incident, proves that it serves, recovers a second time, rolls the first recovery back, and recovers
 * again. Removes every trace, also after a failure.
 *
 * @throws LabError; DrillError `INTERRUPTED`
 */
export async function runDrill(input: DrillInput, session: DrillSession): Promise<DrillReport> {
  const { host, clock, reporter, interruption } = session;
  const { scenario, algorithm } = input;
  const progress = createProgress(reporter, clock);
  const watch = createStopwatch(progress, clock);
  const onProgress = ({ message }: LabProgress): void => progress.note(`        ${message}`);
  const deps = { host, clock, signal: interruption.signal, onProgress };
  const onLine = (line: string): void => reporter.print(`          | ${line}`);
  interruption.remember('remove what is left with: kube-rescue drill --clean');
  try {
    const lab = await import('@kube-rescue/lab');
    await watch.measure('check this machine', () => lab.equipMachine(deps));
    const { release, directory } = await watch.measure('provide the Kubernetes binaries', () => {
      const provide = (from: KubernetesRelease) =>
        lab.provideKubernetesBinaries({ ...session.binaries, release: from }, deps);
      const note = (message: string): void => onProgress({ phase: 'binaries', message });
      return provideFirst(input.kubernetes, (version) => lab.KUBERNETES_RELEASES[version], provide, note);
    });
    const create = { release, binaries: directory, ownerPid: process.pid, keyAlgorithm: algorithm };
    const about = { scenario, kubernetes: release.version, algorithm };
    if (scenario === 'saturday') {
      const { proofs, recovery, kept } = await drillSelfHosted(input, create, { lab, deps, watch, onLine });
      return { ...about, proofs, recovery, timeline: watch.timeline, seconds: watch.total(), kept };
    }
    const way: ClusterScenario | LiveScenario = isLive(scenario) ? scenario : lab.CLUSTER_SCENARIOS[scenario];
    const broken: Pick<ClusterScenario, 'createCluster' | 'needsAddons'> = typeof way === 'string' ? lab : way;
    const addons =
      broken.needsAddons === true
        ? await watch.measure('provide the addons', () => lab.provideAddonBinaries(session.binaries, deps))
        : undefined;
    const cluster = await watch.measure('create a cluster', () => broken.createCluster({ ...create, addons }, deps));
    const proofs: Proof[] = [];
    const { recovery, rotation, kept } = await rehearseAndRemove(
      { cluster, lab, scenario: way, deps, watch, proofs, onLine },
      input,
    );
    return { ...about, proofs, recovery, rotation, timeline: watch.timeline, seconds: watch.total(), kept };
  } finally {
    progress.stop();
  }
}

async function drillSelfHosted(
  { keep, breakOnly, executable, selfHosted }: DrillInput,
  create: ClusterInput,
  { lab, deps, watch, onLine }: Pick<Rehearsal, 'lab' | 'deps' | 'watch' | 'onLine'>,
): Promise<Pick<DrillReport, 'proofs' | 'recovery' | 'kept'>> {
  const scenario = lab.SELF_HOSTED_SCENARIOS[scenarioOf(selfHosted)];
  const cluster = await watch.measure('create a cluster', () => scenario.createCluster(create, deps));
  const proofs: Proof[] = [];
  let isKept = false;
  try {
    const program = await carry(cluster, executable, { deps, watch, proofs });
    const rehearsal = {
      cluster,
      lab,
      scenario,
      drill: { ...selfHosted, breakOnly },
      deps,
      watch,
      proofs,
      onLine,
      program,
    };
    const recovery = (await rehearseSelfHosted(rehearsal)) ?? null;
    if (!keep) return { proofs, recovery, kept: null };
    await cluster.keep();
    isKept = true;
    return { proofs, recovery, kept: cluster.enter() };
  } finally {
    if (!isKept) await watch.measure('remove the cluster', () => cluster.remove());
  }
}

/** Copies the one file, if there is one. Returns the argv of kube-rescue on the node. */
async function carry(
  node: DrillNode,
  executable: HostPath | undefined,
  { deps, watch, proofs }: Pick<Rehearsal, 'deps' | 'watch' | 'proofs'>,
): Promise<readonly string[] | undefined> {
  if (executable === undefined) return undefined;
  const { program, proof } = await watch.measure('copy the one file onto the node', () =>
    carryProgram(node, executable, deps),
  );
  proofs.push(...nameProofs('carried', [proof]));
  return program;
}

async function carryEverywhere(
  { controlPlanes }: Cluster,
  executable: HostPath | undefined,
  into: Pick<Rehearsal, 'deps' | 'watch' | 'proofs'>,
): Promise<readonly string[] | undefined> {
  let program: readonly string[] | undefined;
  for (const machine of controlPlanes) program = await carry(machine, executable, into);
  return program;
}

function scenarioOf({ encrypted, podsRunning }: SelfHostedBeginning): SelfHostedScenarioName {
  if (podsRunning) return encrypted ? 'saturday-encrypted-pods-alive' : 'saturday-pods-alive';
  return encrypted ? 'saturday-encrypted' : 'saturday';
}

async function rehearseAndRemove(
  known: Rehearsal,
  { keep, breakOnly, executable, overSsh }: Pick<DrillInput, 'keep' | 'breakOnly' | 'executable' | 'overSsh'>,
): Promise<Pick<DrillReport, 'recovery' | 'rotation' | 'kept'>> {
  const { cluster, watch, scenario } = known;
  let isKept = false;
  try {
    const program = await carryEverywhere(cluster, executable, known);
    const rehearsal = { ...known, program, overSsh };
    const times =
      typeof scenario === 'string' ? undefined : await rehearseKubeadm({ ...rehearsal, scenario }, { breakOnly });
    const recovery = times ?? null;
    const live = { ...rehearsal, rescue: withPower(rehearsal) };
    const rotation = scenario === 'ca-rotation-live' ? await rehearseRotation(live) : undefined;
    if (scenario === 'sa-rotation-live') await rehearseTokenRotation(live);
    if (!keep) return { recovery, rotation, kept: null };
    await cluster.keep();
    isKept = true;
    for (const { node, enter } of cluster.nodes.slice(1)) known.onLine(`on ${node.name}: ${enter().join(' ')} COMMAND`);
    return { recovery, rotation, kept: cluster.enter() };
  } finally {
    if (!isKept) await watch.measure('remove the cluster', () => cluster.remove());
  }
}

function withPower(rehearsal: Rehearsal): RescueWithPower {
  const { cluster, deps, onLine, program } = rehearsal;
  const until: RescueWithPower['until'] = (power, ...args) => {
    const signal = AbortSignal.any([power, deps.signal]);
    return runRescue(cluster, args, { host: deps.host, signal, onLine, program });
  };
  return Object.assign((...args: readonly string[]) => rescue(rehearsal, ...args), { until });
}
