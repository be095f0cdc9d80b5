import { isRecoveryError } from '@kube-rescue/errors';
import type { Clock, Host } from '@kube-rescue/host';
import type { Edit, StepJournal } from '@kube-rescue/workflow';
import { listListeners } from '../running/tcp-listeners.ts';
import type { OldPod, OldPodHost, OldPodState } from './old-pods.ts';

export interface HandoverInput {
  /** Recorded before the manifests changed. */
  readonly old: readonly OldPod[];
  /** The restart of the kubelet. */
  readonly services: readonly Edit[];
  /**
   * The kubelet must restart in any case, and does not end the old pods: without the API server since its start it removes no pod,
   * and a restarted kubelet does not know the pods of earlier manifests. They get SIGTERM here, and only etcd is waited for, whose
   * successor could not open its port.
   */
  readonly isForced: boolean;
}

/** Requests that were in flight when the port closed have this long. */
const DRAIN_MS = 2_000;
/** etcd waits up to 7 s for its open streams. */
const FORCED_DEADLINE_MS = 20_000;
/** A kubelet ends its pods within their 30 s of grace, after up to 20 s in which it reads its manifests where it has no inotify. */
const CLOSE_DEADLINE_MS = 60_000;
/** For an API server to close its port while etcd still answers. */
const API_CLOSE_DEADLINE_MS = 10_000;
/** What does not serve anyway, and is asked to end, has this long. */
const UNHEALTHY_GRACE_MS = 3_000;
const END_DEADLINE_MS = 10_000;
const INTERVAL_MS = 100;
const KILL_TIMEOUT_MS = 5_000;

/**
 * Restarts the kubelet as soon as every old pod has made way: it has ended, or listens no more. Kills those that listen no more after
 * 2 s, etcd never. Requests of an API server end within that time; what it waits for then are watches, which never drain.
 *
 * Returns without a restart when an old pod still listens after 60 s: then the kubelet replaces the pods in its own time. Returns too
 * when an old pod does not end; whether the pods were replaced is for the caller to observe. Not interrupted in between: an
 * interruption is not a reason to leave a node without its API server.
 */
export async function handOver(
  { old, services, isForced }: HandoverInput,
  journal: StepJournal,
  { host, clock }: { readonly host: OldPodHost & Pick<Host, 'exec'>; readonly clock: Clock },
): Promise<void> {
  const start = clock.now().getTime();
  const asked = new Set<string>();
  let restartedAt: number | undefined;
  let announced = '';
  for (;;) {
    const listeners = await listListeners({ host });
    const now = clock.now().getTime();
    const states = new Map<OldPod, OldPodState>();
    for (const pod of old) states.set(pod, await pod.observe({ listeners, isAsked: isForced, now }, { host }));
    if (isForced) await askToEnd(old, asked, host);
    const drained = old.filter((pod) => {
      const isHopeless = isForced && pod.isUnhealthy && now - start >= UNHEALTHY_GRACE_MS;
      return pod.mayBeKilled && states.get(pod) !== 'ended' && (isDrained(pod, now) || isHopeless);
    });
    if (drained.length > 0) await journal.perform(drained.map((pod) => ({ change: pod.end() })));
    const inTheWay = old.filter((pod) => {
      const state = states.get(pod);
      return state === 'serving' || (state === 'closed' && !pod.mayBeKilled);
    });
    const blocking = isForced ? inTheWay.filter((pod) => !pod.mayBeKilled) : inTheWay;
    const isLate = now - start >= (isForced ? FORCED_DEADLINE_MS : CLOSE_DEADLINE_MS);
    if (restartedAt === undefined && (blocking.length === 0 || (isForced && isLate))) {
      await journal.perform(services);
      restartedAt = clock.now().getTime();
    }
    const remaining = old.filter((pod) => states.get(pod) !== 'ended' && !drained.includes(pod));
    if (restartedAt === undefined ? isLate : remaining.length === 0) return;
    if (restartedAt !== undefined && now - restartedAt >= END_DEADLINE_MS) return;
    const waitingFor = `the old ${(restartedAt === undefined ? blocking : remaining).map(({ pod }) => pod.component).join(', ')} to terminate`;
    if (waitingFor !== announced) journal.waitingFor(waitingFor);
    announced = waitingFor;
    await clock.sleep(INTERVAL_MS);
  }
}

/**
 * Waits until the API server listens no more, for at most 10 s; call it before etcd has to end. An API server that is asked to end first
 * removes its address from the cluster, and listens until etcd has answered: without etcd, 20 s longer (Kubernetes,
 * `pkg/controlplane/controller/kubernetesservice/controller.go` Stop: twice the EndpointInterval).
 */
export async function waitForClosedApi(
  { apiServer, isForced }: { readonly apiServer: OldPod; readonly isForced: boolean },
  journal: Pick<StepJournal, 'waitingFor'>,
  { host, clock }: { readonly host: OldPodHost & Pick<Host, 'exec'>; readonly clock: Clock },
): Promise<void> {
  const start = clock.now().getTime();
  const asked = new Set<string>();
  journal.waitingFor('the old kube-apiserver to listen no more');
  for (;;) {
    const now = clock.now().getTime();
    const listeners = await listListeners({ host });
    const state = await apiServer.observe({ listeners, isAsked: isForced, now }, { host });
    if (isForced) await askToEnd([apiServer], asked, host);
    if (state !== 'serving' || now - start >= API_CLOSE_DEADLINE_MS) return;
    // It removes nothing from a cluster that does not serve.
    if (isForced && apiServer.isUnhealthy) return;
    await clock.sleep(INTERVAL_MS);
  }
}

function isDrained(pod: OldPod, now: number): boolean {
  return pod.closedFor(now) >= DRAIN_MS;
}

async function askToEnd(old: readonly OldPod[], asked: Set<string>, host: Pick<Host, 'exec'>): Promise<void> {
  const found = old.flatMap(({ processes }) => processes);
  const due = found.filter(({ pid, startTicks }) => !asked.has(`${pid}/${startTicks}`));
  if (due.length === 0) return;
  for (const { pid, startTicks } of due) asked.add(`${pid}/${startTicks}`);
  try {
    await host.exec(['kill', '-TERM', ...due.map(({ pid }) => String(pid))], { timeoutMs: KILL_TIMEOUT_MS });
  } catch (error) {
    // The caller, which waits for the pods to end, reports the failure.
    if (!isRecoveryError(error)) throw error;
  }
}
