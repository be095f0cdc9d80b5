import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { Step, StepId } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import { fullName, type Pod, toPod } from './pod.ts';
import { type PodRestart, podRestart } from './pod-restart-kind.ts';
import { type RescueFinding, toRescueFinding } from '../rescue/rescue-findings.ts';
import { listPodsHoldingOldCa, type StalePod } from './stale-pods.ts';
import { listReadable } from '../controllers/pod-context.ts';
import { checkOrWait } from '../diagnosis/store-unavailable.ts';

export interface PodRestartInput {
  /** When the current CA was published to the service accounts. A function is called at each check. */
  readonly publishedAt: Date | (() => Date | undefined);
  /** Default: `pods/restart-stale`. */
  readonly id?: StepId | undefined;
  readonly requires?: readonly StepId[] | undefined;
  /** How long each replacement may take until it is Ready. Default: 120,000. */
  readonly timeoutMs?: number | undefined;
}

export interface PodRestartDeps {
  readonly access: ObjectAccess;
  readonly clock: Clock;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const INTERVAL_MS = 1_000;
const MOST_NAMED = 20;

/**
 * A step that restarts the pods that may still hold an old CA: deletes one after the other and continues when as many pods
 * of its controller are Ready as before. It does not wait for a pod that was not Ready.
 *
 * Never deleted: pods whose replacement needs them (API server, its etcd, pod checkpointer, the only
 * kube-controller-manager or kube-scheduler) and pods that would not be replaced (static pods, pods without a controller or
 * of a Job, pods on a node without heartbeat). They are reported. Cannot be rolled back. `ok` while `publishedAt` is
 * `undefined`: no CA was published.
 */
export function createPodRestartStep(input: PodRestartInput, deps: PodRestartDeps): Step<RescueFinding> {
  const { requires = [], timeoutMs = DEFAULT_TIMEOUT_MS } = input;
  const { access, clock } = deps;
  const listStale = async (signal: AbortSignal): Promise<readonly StalePod[]> => {
    const publishedAt = typeof input.publishedAt === 'function' ? input.publishedAt() : input.publishedAt;
    if (publishedAt === undefined) return [];
    return listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
  };
  return {
    id: input.id ?? 'pods/restart-stale',
    title: 'restart the pods that hold an old CA',
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        const stale = await listStale(signal);
        const due = stale.filter(({ keptBecause }) => keptBecause === undefined);
        const evidence = nameKeptPods(stale);
        if (due.length === 0) {
          const summary = 'no restartable pod holds an old CA';
          return { status: 'ok', summary, evidence, changes: [] };
        }
        return {
          status: 'needed',
          summary: `${due.length} pod(s) started before the current CA was published`,
          evidence,
          restarts: due.map(({ pod }) => `Pod ${pod.namespace}/${pod.name}`),
          changes: due.map(({ pod }) => podRestart(pod, access.source)),
        };
      } catch (error) {
        return toRescueFinding(error, { subject: 'the pods', requires }, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      for (const change of changes as readonly PodRestart[]) {
        const siblings = await readSiblings(change, access, signal);
        const wanted = siblings.filter(({ isReady }) => isReady).length;
        await journal.perform([{ change }]);
        await untilReplaced({ change, siblings, wanted }, (what) => journal.waitingFor(what), signal);
      }
    },
    verify: async (signal) => {
      const stale = await listStale(signal);
      const left = stale.find(({ keptBecause }) => keptBecause === undefined);
      if (left !== undefined)
        return { verified: false, reason: `${fullName(left.pod)} has not restarted`, hint: 'run the command again' };
      const warnings = nameKeptPods(stale);
      const evidence = ['every restartable pod has started since the CA was published'];
      return { verified: true, evidence, ...(warnings.length === 0 ? {} : { warnings }) };
    },
  };

  async function untilReplaced(
    {
      change,
      siblings,
      wanted,
    }: { readonly change: PodRestart; readonly siblings: readonly Pod[]; readonly wanted: number },
    waitingFor: (what: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const [sibling] = siblings;
    if (sibling === undefined || !siblings.some(({ uid, isReady }) => uid === change.uid && isReady)) return;
    const start = clock.now().getTime();
    for (;;) {
      const read = await checkOrWait(async () => ({ present: await readOf(sibling, access, signal) }));
      const others = 'present' in read ? read.present.filter(({ uid }) => uid !== change.uid) : [];
      if (others.filter(({ isReady, isTerminating }) => isReady && !isTerminating).length >= wanted) return;
      if (clock.now().getTime() - start >= timeoutMs) throw notReplaced(change, timeoutMs);
      waitingFor(`the replacement of ${change.namespace}/${change.name}`);
      await clock.sleep(INTERVAL_MS, signal);
    }
  }
}

/** The pods of the same controller, including the pod itself; none when the pod is gone. */
async function readSiblings(change: PodRestart, access: ObjectAccess, signal: AbortSignal): Promise<readonly Pod[]> {
  const store = await access.open(signal);
  const { namespace, name } = change;
  const read = await store.get({ kind: RESOURCE_KINDS.Pod, namespace, name }, { signal });
  return read?.object.metadata.uid === change.uid ? readOf(toPod(read.object), access, signal) : [];
}

async function readOf(
  { controller, namespace }: Pod,
  access: ObjectAccess,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const objects = await listReadable(await access.open(signal), RESOURCE_KINDS.Pod, { namespace, signal });
  return objects.map(toPod).filter((pod) => pod.controller !== undefined && pod.controller.uid === controller?.uid);
}

/** One line for each pod that is not restarted, with the reason; the last line counts the rest. */
export function nameKeptPods(stale: readonly StalePod[]): readonly string[] {
  const kept = stale.flatMap(({ pod, keptBecause }) =>
    keptBecause === undefined ? [] : [`${fullName(pod)} may hold an old CA: ${keptBecause}`],
  );
  const more = kept.length - MOST_NAMED;
  return more > 0 ? [...kept.slice(0, MOST_NAMED), `and ${more} more pods that would not be replaced`] : kept;
}

function notReplaced({ target }: PodRestart, timeoutMs: number): PodError {
  return new PodError({
    code: 'POD_NOT_READY',
    message: `the replacement pod was not Ready after ${timeoutMs / 1000} s; the remaining pods were not restarted`,
    subject: target,
    hint: 'find the reason with: `kubectl get pods`, `kube-rescue pods list`; then run the command again',
  });
}
