import { createProgress, type TimelineEntry } from 'kube-rescue/command-line';
import type {
  Cluster,
  ClusterInput,
  ClusterScenario,
  KeyAlgorithm,
  KubernetesRelease,
  LabDeps,
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
import { nameProofs, proveAnswer, proveSameFiles } from './proofs/proofs.ts';
import { findSnapshot, recoverAndWatch, type RecoveryTimes } from './recovery/recovery-watch.ts';
import { type DrillNode, type RescueAnswer, runRescue } from './rescue-command.ts';
import { provideFirst } from './provide-kubernetes.ts';
import type { LiveScenario, Scenario, Versions } from './scenarios.ts';
import { rehearseSelfHosted, type SelfHostedDrill } from './self-hosted-drill.ts';
import { createStopwatch, type Stopwatch } from './stopwatch.ts';

export interface DrillInput {
  readonly scenario: Scenario;
  readonly kubernetes: Versions;
  readonly algorithm: KeyAlgorithm;
  /** Keeps the cluster after the drill. */
  readonly keep: boolean;
  /** The one file to copy onto the node, which then has no Node.js. Default: the npm package of this drill. */
  readonly executable: HostPath | undefined;
  /** Options of a drill on a self-hosted cluster. */
  readonly selfHosted: SelfHostedDrill & SelfHostedBeginning;
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
interface Rehearsal {
  readonly cluster: Cluster;
  readonly lab: typeof import('@kube-rescue/lab');
  /** The way to break it; or the name of a scenario that breaks nothing. */
  readonly scenario: ClusterScenario | LiveScenario;
  readonly deps: LabDeps & { readonly signal: AbortSignal };
  readonly watch: Stopwatch;
  readonly proofs: Proof[];
  readonly onLine: (line: string) => void;
  /** The argv of kube-rescue on the node. Default: the npm package. */
  readonly program?: readonly string[] | undefined;
}

/** A drill that breaks the cluster. */
type Dying = Rehearsal & { readonly scenario: ClusterScenario };

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
    const way: ClusterScenario | LiveScenario =
      scenario === 'ca-rotation-live' || scenario === 'sa-rotation-live' ? scenario : lab.CLUSTER_SCENARIOS[scenario];
    const addons =
      typeof way !== 'string' && way.needsAddons === true
        ? await watch.measure('provide the addons', () => lab.provideAddonBinaries(session.binaries, deps))
        : undefined;
    const cluster = await watch.measure('create a cluster', () => lab.createCluster({ ...create, addons }, deps));
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
  { keep, executable, selfHosted }: DrillInput,
  create: ClusterInput,
  { lab, deps, watch, onLine }: Pick<Rehearsal, 'lab' | 'deps' | 'watch' | 'onLine'>,
): Promise<Pick<DrillReport, 'proofs' | 'recovery' | 'kept'>> {
  const scenario = lab.SELF_HOSTED_SCENARIOS[scenarioOf(selfHosted)];
  const cluster = await watch.measure('create a cluster', () => scenario.createCluster(create, deps));
  const proofs: Proof[] = [];
  let isKept = false;
  try {
    const program = await carry(cluster, executable, { deps, watch, proofs });
    const rehearsal = { cluster, lab, scenario, drill: selfHosted, deps, watch, proofs, onLine, program };
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

function scenarioOf({ encrypted, podsRunning }: SelfHostedBeginning): SelfHostedScenarioName {
  if (podsRunning) return encrypted ? 'saturday-encrypted-pods-alive' : 'saturday-pods-alive';
  return encrypted ? 'saturday-encrypted' : 'saturday';
}

async function rehearseAndRemove(
  known: Rehearsal,
  { keep, executable }: Pick<DrillInput, 'keep' | 'executable'>,
): Promise<Pick<DrillReport, 'recovery' | 'rotation' | 'kept'>> {
  const { cluster, watch, scenario } = known;
  let isKept = false;
  try {
    const program = await carry(cluster, executable, known);
    const rehearsal = { ...known, program };
    const recovery = typeof scenario === 'string' ? null : ((await rehearse({ ...rehearsal, scenario })) ?? null);
    const live = { ...rehearsal, rescue: withPower(rehearsal) };
    const rotation = scenario === 'ca-rotation-live' ? await rehearseRotation(live) : undefined;
    if (scenario === 'sa-rotation-live') await rehearseTokenRotation(live);
    if (!keep) return { recovery, rotation, kept: null };
    await cluster.keep();
    isKept = true;
    return { recovery, rotation, kept: cluster.enter() };
  } finally {
    if (!isKept) await watch.measure('remove the cluster', () => cluster.remove());
  }
}

/** Stops at the first failed proof: later ones would prove nothing. */
async function rehearse(rehearsal: Dying): Promise<RecoveryTimes | undefined> {
  const { cluster, lab, scenario, deps, watch, proofs } = rehearsal;
  if (scenario.proveHealth !== undefined) {
    const health = await watch.measure('prove that it works', async () => scenario.proveHealth?.(cluster, deps));
    if (!collect(proofs, nameProofs('health', health ?? []))) return undefined;
  }
  const since = deps.clock.now();
  await watch.measure(`break it: ${scenario.what}`, () => scenario.breakCluster(cluster, deps));
  const death = await watch.measure('prove that it is down', () => scenario.proveDeath(cluster, deps));
  if (!collect(proofs, nameProofs('death', death))) return undefined;
  const broken = await lab.snapshotFiles(cluster, deps);

  const question = { url: `https://${cluster.node.address}:6443/readyz`, ca: '/etc/kubernetes/pki/ca.crt' };
  const command = scenario.recovery?.command(cluster) ?? ['recover', '--yes', ...(scenario.recoverFlags ?? [])];
  const words = command
    .slice(
      0,
      command.findIndex((word) => word.startsWith('-')),
    )
    .join(' ');
  const recover = (): Promise<RescueAnswer> => rescue(rehearsal, ...command);
  const { answer, times } = await watch.measure('recover', () => {
    const workloads = (signal: AbortSignal) => lab.seeNewWorkload(cluster, { ...deps, signal });
    return recoverAndWatch(cluster, question, { workloads }, recover, deps);
  });
  if (!collect(proofs, [proveAnswer(`recover: kube-rescue ${words} brings it back`, answer, 'done')])) return times;
  if (!(await proveLife(rehearsal, 'life', since))) return times;
  if (scenario.recovery?.takesSnapshot !== false) {
    const backup = await lab.proveEtcdSnapshot(cluster, findSnapshot(answer), deps);
    if (!collect(proofs, nameProofs('backup', [backup]))) return times;
  }

  const second = await watch.measure('recover once more', recover);
  if (!collect(proofs, [proveAnswer('second-recover: it finds nothing to do', second, 'nothing-to-do')])) return times;

  const undone = await watch.measure('roll back', () =>
    rescue(rehearsal, 'rollback', times.runId ?? '', '--yes', '--force'),
  );
  const restored = proveSameFiles('rollback: every byte is as it was', broken, await lab.snapshotFiles(cluster, deps));
  if (!collect(proofs, [proveAnswer('rollback: kube-rescue rollback succeeds', undone), restored])) return times;

  const again = await watch.measure('recover after the rollback', recover);
  if (!collect(proofs, [proveAnswer('recover-again: it comes back once more', again, 'done')])) return times;
  await proveLife(rehearsal, 'life-again', since);
  return times;
}

async function proveLife(
  { cluster, scenario, deps, watch, proofs }: Dying,
  kind: string,
  since: Date,
): Promise<boolean> {
  const life = await watch.measure('prove that it serves', () => scenario.proveLife(cluster, { since }, deps));
  return collect(proofs, nameProofs(kind, life));
}

function rescue({ cluster, deps, onLine, program }: Rehearsal, ...args: readonly string[]): Promise<RescueAnswer> {
  return runRescue(cluster, args, { host: deps.host, signal: deps.signal, onLine, program });
}

function withPower(rehearsal: Rehearsal): RescueWithPower {
  const { cluster, deps, onLine, program } = rehearsal;
  const until: RescueWithPower['until'] = (power, ...args) => {
    const signal = AbortSignal.any([power, deps.signal]);
    return runRescue(cluster, args, { host: deps.host, signal, onLine, program });
  };
  return Object.assign((...args: readonly string[]) => rescue(rehearsal, ...args), { until });
}

/** Keeps the proofs. Returns whether all of them hold. */
function collect(into: Proof[], proofs: readonly Proof[]): boolean {
  into.push(...proofs);
  return proofs.every(({ ok }) => ok);
}
