import type { SimulatedPods } from './simulated-pods.fixture.ts';

/** Milliseconds. */
const START = 1_500;
const HOUSEKEEPING = 2_000;
const GRACE = 30_000;
/** `pkg/kubelet/kubelet.go` backOffPeriod, and up to half as much again. */
const BACK_OFF = 12_000;
const CRASH_BACK_OFF = 10_000;
/** `pkg/kubelet/kubelet_pods.go` HandlePodCleanups. */
const ORPHAN_GRACE = 1_000;

interface Worker {
  readonly name: string;
  readonly uid: string;
  state: 'waiting' | 'started' | 'terminating' | 'finished';
  /** Of the next attempt to start the pod or its container. */
  tryAt: number;
  starts: number;
  isWantedAgain: boolean;
  killAt: number;
}

/**
 * A kubelet that runs static pods, as Kubernetes 1.37.2 does (`pkg/kubelet`):
 * - it starts a static pod only after the end of the one with the same name that it started, and a back-off (`pod_workers.go`
 *   allowStaticPodStart); with `startsBeside`, as before 1.22.5, at once;
 * - until it has reached the API server once since its start, it deletes no pod and cleans nothing up (`kubelet.go` deletePod, syncLoopIteration);
 * - a pod that is wanted again while it terminates is started by the next clean-up after its end (`pod_workers.go` restartRequested);
 * - pods that run, but are unknown to it, get 1 s of grace by a clean-up (`kubelet_pods.go` HandlePodCleanups). Its restart forgets all pods,
 *   also those that it was about to kill.
 */
export function createSimulatedKubelet(pods: SimulatedPods, { startsBeside }: { readonly startsBeside: boolean }) {
  const workers: Worker[] = [];
  const desired = new Map<string, string>();
  const orphans = new Map<number, number>();
  let upAt = 0;
  let isReady = true;
  let cleansAt = 0;

  const own = (uid: string, now: number) => pods.running(now).filter((each) => each.uid === uid);
  const add = (name: string, uid: string, now: number): void => {
    const known = workers.find((each) => each.uid === uid);
    if (known === undefined) {
      workers.push({ name, uid, state: 'waiting', tryAt: now, starts: 0, isWantedAgain: false, killAt: 0 });
    } else if (known.state === 'terminating' || known.state === 'finished') known.isWantedAgain = true;
  };
  const terminate = (worker: Worker, now: number): void => {
    if (worker.state === 'waiting') worker.state = 'finished';
    if (worker.state !== 'started') return;
    worker.state = 'terminating';
    worker.killAt = now + GRACE;
    for (const each of own(worker.uid, now)) pods.ask(each, now);
  };
  const cleanUp = (now: number): void => {
    const wanted = new Set(desired.values());
    for (const worker of [...workers]) {
      if (!wanted.has(worker.uid)) terminate(worker, now);
      const isForgotten = worker.state === 'finished' && (worker.isWantedAgain || !wanted.has(worker.uid));
      if (isForgotten) workers.splice(workers.indexOf(worker), 1);
    }
    for (const [name, uid] of desired) if (!workers.some((each) => each.uid === uid)) add(name, uid, now);
    for (const each of pods.running(now)) {
      if (workers.some(({ uid }) => uid === each.uid) || orphans.has(each.pid)) continue;
      pods.ask(each, now);
      orphans.set(each.pid, now + ORPHAN_GRACE);
    }
  };
  const work = (worker: Worker, now: number): void => {
    const running = own(worker.uid, now);
    if (worker.state === 'terminating') {
      for (const each of running)
        if (now >= worker.killAt) pods.kill(each, 'the kubelet, after the grace period,', now);
      if (own(worker.uid, now).length === 0) worker.state = 'finished';
    }
    if (now < worker.tryAt) return;
    if (worker.state === 'waiting') {
      const isBlocked = workers.some(
        ({ name, state }) => name === worker.name && (state === 'started' || state === 'terminating'),
      );
      if (isBlocked && !startsBeside) worker.tryAt = now + BACK_OFF;
      else worker.state = 'started';
    }
    if (worker.state !== 'started' || running.length > 0) return;
    pods.start(worker.name, worker.uid, now);
    worker.starts += 1;
    worker.tryAt = now + CRASH_BACK_OFF * 2 ** (worker.starts - 1);
  };

  return {
    get isStopped() {
      return upAt === Number.POSITIVE_INFINITY;
    },
    act(action: 'start' | 'stop' | 'restart', now: number): void {
      if (action === 'start' && upAt !== Number.POSITIVE_INFINITY) return;
      upAt = action === 'stop' ? Number.POSITIVE_INFINITY : now + START;
      isReady = false;
      workers.length = 0;
      desired.clear();
      orphans.clear();
    },
    /** Reads the manifests: the UIDs by name. */
    read(manifests: ReadonlyMap<string, string>, now: number): void {
      if (now < upAt) return;
      for (const [name, uid] of manifests) {
        const before = desired.get(name);
        if (before === uid) continue;
        desired.set(name, uid);
        const old = workers.find((each) => each.uid === before);
        if (old !== undefined && isReady) terminate(old, now);
        add(name, uid, now);
      }
    },
    tick(now: number): void {
      if (now < upAt) return;
      isReady ||= pods.running(now).some((each) => each.name === 'kube-apiserver' && pods.isUsable(each, now));
      if (isReady && now >= cleansAt) {
        cleansAt = now + HOUSEKEEPING;
        cleanUp(now);
      }
      for (const worker of [...workers]) work(worker, now);
      for (const each of pods.running(now)) {
        if (now >= (orphans.get(each.pid) ?? Number.POSITIVE_INFINITY))
          pods.kill(each, 'a clean-up of the kubelet', now);
      }
    },
  };
}
