import type { Clock, Host } from '@kube-rescue/host';
import type { StaticPod } from '@kube-rescue/node-config';
import { askHealth, type Health } from '../running/component-health.ts';
import { listPodLogDirectories } from '../running/pod-logs.ts';
import { listProcesses, type RunningPod, listRunningPods, withoutSandbox } from '../running/running-pod.ts';
import { explainStuck, type ReplacementStage, type StuckReport } from './stuck-replacement.ts';

export type { ReplacementStage } from './stuck-replacement.ts';

/** The pods of a manifest before its change; every other pod is new. */
export interface PodBaseline {
  /** The running pod. */
  readonly running: RunningPod | undefined;
  /** Its UID and those of earlier pods with logs. */
  readonly knownUids: readonly string[];
}

export type Replacement =
  | {
      readonly state: 'replaced';
      readonly pod: RunningPod;
      readonly elapsedMs: number;
      readonly evidence: readonly string[];
    }
  | {
      readonly state: 'stuck';
      readonly stage: ReplacementStage;
      /** One sentence in lower case without a period. */
      readonly reason: string;
      readonly hint: string;
      /** As in a `Verdict`. */
      readonly awaits?: string | undefined;
      readonly elapsedMs: number;
      /** The last observations, with the end of the container log; safe to print. */
      readonly evidence: readonly string[];
    };

export interface WaitForNewPodInput {
  readonly pod: StaticPod;
  readonly baseline: PodBaseline;
  /** How long to wait. */
  readonly timeoutMs: number;
  /** Default: 150. */
  readonly intervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when the reason for waiting changes. */
  readonly onProgress?: ((waitingFor: string) => void) | undefined;
  /** Asked while the pod is not healthy: what makes further waiting useless. Default: nothing. */
  readonly findObstacle?: FindObstacle | undefined;
}

/** What no wait on this machine overcomes, and what the operator does about it; `undefined` while there is hope. */
export type FindObstacle = (
  signal?: AbortSignal,
) => Promise<{ readonly reason: string; readonly hint: string; readonly awaits?: string | undefined } | undefined>;

export interface PodWaitDeps {
  readonly host: Pick<Host, 'processes' | 'list' | 'readFile' | 'request'>;
  readonly clock: Clock;
}

const DEFAULT_INTERVAL_MS = 150;
/** A component without a probe counts as healthy when one process has run this long. */
const UNPROBED_LIFE_MS = 5_000;

/**
 * Records the old pods of a manifest.
 *
 * @param olderThan only pods whose logs began before this moment; after a change of the manifest, the time of that
 * change. Default: all pods
 */
export async function readPodBaseline(
  { pod, olderThan }: { readonly pod: StaticPod; readonly olderThan?: Date | undefined },
  { host }: { readonly host: Pick<Host, 'processes' | 'list' | 'stat'> },
): Promise<PodBaseline> {
  const uids: string[] = [];
  for (const { path, podUid } of (await listPodLogDirectories(pod, { host })) ?? []) {
    const modifiedAt = olderThan === undefined ? undefined : (await host.stat(path))?.modifiedAt;
    if (olderThan === undefined || (modifiedAt !== undefined && modifiedAt < olderThan)) uids.push(podUid);
  }
  const runningPods = await listRunningPods(pod, { host });
  const running = runningPods.find(({ podUid }) => olderThan === undefined || uids.includes(podUid));
  return { running, knownUids: [...new Set([...uids, ...(running === undefined ? [] : [running.podUid])])] };
}

/**
 * Waits until the kubelet has replaced a pod after a change of its manifest: a pod of another UID (its hash) runs, the old one
 * is gone, and *then* the component is healthy. A health probe alone could be answered by the old pod.
 *
 * Reads /proc and uses the component's own probe, so it needs neither an API server nor a container runtime client. Does
 * not prove that the component stays healthy: see `waitForStableComponent`.
 * @returns `stuck` with the stage and the reason after the timeout; never throws for a timeout
 */
export async function waitForNewPod(input: WaitForNewPodInput, { host, clock }: PodWaitDeps): Promise<Replacement> {
  const { pod, baseline, signal } = input;
  const start = clock.now().getTime();
  const watch = new ReplacementWatch(pod, baseline);
  let announced = '';
  for (;;) {
    signal?.throwIfAborted();
    const runningPods = await listRunningPods(pod, { host });
    const isOldRunning = withoutSandbox(watch.oldUids, await listProcesses(pod, host), pod).length > 0;
    const current = watch.observe(runningPods, isOldRunning, clock.now().getTime());
    if (current !== undefined) {
      const health = await askHealth({ pod, signal }, { host });
      if (watch.isWell(health, clock.now().getTime())) {
        const elapsedMs = clock.now().getTime() - start;
        return { state: 'replaced', pod: current, elapsedMs, evidence: watch.evidence() };
      }
    }
    const waitingFor = watch.waitingFor();
    if (waitingFor !== announced) input.onProgress?.(waitingFor);
    announced = waitingFor;
    const elapsedMs = clock.now().getTime() - start;
    if (elapsedMs >= input.timeoutMs) {
      return {
        state: 'stuck',
        stage: watch.stage(),
        elapsedMs,
        ...(await explainStuck({ pod, ...watch.report() }, { host })),
      };
    }
    const obstacle = await input.findObstacle?.(signal);
    if (obstacle !== undefined) {
      return { state: 'stuck', stage: watch.stage(), elapsedMs, evidence: watch.evidence(), ...obstacle };
    }
    await clock.sleep(input.intervalMs ?? DEFAULT_INTERVAL_MS, signal);
  }
}

/** The observations of one replacement so far. */
class ReplacementWatch {
  readonly #component: string;
  readonly #baseline: PodBaseline;
  readonly #starts = new Set<string>();
  #newUid: string | undefined;
  #current: RunningPod | undefined;
  #currentSince = 0;
  #isOldRunning = false;
  #health: Health | undefined;

  constructor(pod: StaticPod, baseline: PodBaseline) {
    this.#component = pod.component;
    this.#baseline = baseline;
  }

  get oldUids(): readonly string[] {
    return this.#baseline.knownUids.filter((podUid) => !this.#isNew(podUid));
  }

  /** @returns the process to probe: of a new pod, once every old pod is gone */
  observe(runningPods: readonly RunningPod[], isOldRunning: boolean, now: number): RunningPod | undefined {
    const found = runningPods.find(({ podUid }) => this.#isNew(podUid));
    const key = found === undefined ? undefined : `${found.pid}/${found.startTicks}`;
    if (found !== undefined && key !== undefined && !this.#starts.has(key)) {
      if (found.podUid !== this.#newUid) this.#starts.clear();
      this.#newUid = found.podUid;
      this.#starts.add(key);
      this.#currentSince = now;
    }
    this.#current = found;
    this.#isOldRunning = isOldRunning;
    return isOldRunning ? undefined : found;
  }

  isWell(health: Health, now: number): boolean {
    this.#health = health;
    if (health.state !== 'unknown') return health.state === 'healthy';
    return now - this.#currentSince >= UNPROBED_LIFE_MS;
  }

  waitingFor(): string {
    if (this.#isOldRunning) return `the old ${this.#component} pod to terminate`;
    if (this.#newUid === undefined) return `the kubelet to start the new ${this.#component} pod`;
    return `${this.#component} to be healthy`;
  }

  stage(): ReplacementStage {
    if (this.#newUid === undefined) return this.#isOldRunning ? 'old-pod-running' : 'not-picked-up';
    if (this.#isOldRunning) return 'old-pod-running';
    return this.#starts.size > 1 || this.#current === undefined ? 'crash-looping' : 'not-healthy';
  }

  report(): StuckReport {
    const stage = this.stage();
    return { stage, starts: this.#starts.size, newUid: this.#newUid, evidence: this.evidence() };
  }

  evidence(): readonly string[] {
    const old = this.#baseline.running;
    const lines = [
      old === undefined
        ? 'no pod was running before'
        : `the old pod ${old.podUid} ${this.#isOldRunning ? 'still runs' : 'is gone'}`,
    ];
    if (this.#newUid !== undefined)
      lines.push(`the new pod is ${this.#newUid}, its process started ${this.#starts.size} time(s)`);
    if (this.#current !== undefined && this.#health !== undefined) lines.push(this.#health.evidence);
    return lines;
  }

  /**
   * A UID is a hash of the manifest. If an old pod ran, every other UID is new, even one that existed long ago (the
   * manifest was restored). If none ran, a pod with logs is an old pod that the kubelet has not removed yet.
   */
  #isNew(podUid: string): boolean {
    const { running, knownUids } = this.#baseline;
    return running === undefined ? !knownUids.includes(podUid) : podUid !== running.podUid;
  }
}
