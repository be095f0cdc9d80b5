import { type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { Step, StepId } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import { fullName, type Pod, toPod } from './pod.ts';
import { type PodRestart, podRestart } from './pod-restart-kind.ts';
import { type RescueFinding, toRescueFinding } from '../rescue/rescue-findings.ts';
import { listPodsHoldingOldCa, type StalePod } from './stale-pods.ts';
import { listReadable } from '../controllers/pod-context.ts';
import { checkOrWait } from '../diagnosis/tolerant-reading.ts';

export interface PodRestartInput {
  /** When the service accounts were handed the CA as it is now. A function is asked at each check. */
  readonly publishedAt: Date | (() => Date | undefined);
  /** Default: `pods/restart-stale`. */
  readonly id?: StepId | undefined;
  readonly requires?: readonly StepId[] | undefined;
  /** For each replacement, until it is Ready. Default: 120,000. */
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
 * A step that starts the pods anew that may still hold the CA as it was before: deletes one after the other, and goes on
 * when as many pods of its controller are Ready as before. A pod that was not Ready is not waited for.
 *
 * Never deleted are pods whose replacement would need them: those of the API server, its etcd and a pod checkpointer, and
 * the only kube-controller-manager or kube-scheduler. They are named and left, as are pods that nobody would replace: static
 * ones, those without a controller, those of Jobs, those on a node that is not heard. Cannot be taken back. `ok` while
 * `publishedAt` is not known: nothing was handed out.
 */
export function createPodRestartStep(input: PodRestartInput, deps: PodRestartDeps): Step<RescueFinding> {
  const { requires = [], timeoutMs = DEFAULT_TIMEOUT_MS } = input;
  const { access, clock } = deps;
  const look = async (signal: AbortSignal): Promise<readonly StalePod[]> => {
    const publishedAt = typeof input.publishedAt === 'function' ? input.publishedAt() : input.publishedAt;
    if (publishedAt === undefined) return [];
    return listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
  };
  return {
    id: input.id ?? 'pods/restart-stale',
    title: 'start the pods anew that hold an old CA',
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        const stale = await look(signal);
        const due = stale.filter(({ keptBecause }) => keptBecause === undefined);
        const evidence = nameKeptPods(stale);
        if (due.length === 0) {
          const summary = 'no pod that can be started anew holds the CA as it was before';
          return { status: 'ok', summary, evidence, changes: [] };
        }
        return {
          status: 'needed',
          summary: `${due.length} pod(s) started before the CA was handed out as it is now`,
          evidence,
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
      const stale = await look(signal);
      const left = stale.find(({ keptBecause }) => keptBecause === undefined);
      if (left !== undefined)
        return { verified: false, reason: `${fullName(left.pod)} still runs as it was`, hint: 'run it again' };
      const warnings = nameKeptPods(stale);
      const evidence = ['every pod that could be started anew has started since the CA was handed out'];
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
      const seen = await checkOrWait(async () => ({ present: await readOf(sibling, access, signal) }));
      const others = 'present' in seen ? seen.present.filter(({ uid }) => uid !== change.uid) : [];
      if (others.filter(({ isReady, isTerminating }) => isReady && !isTerminating).length >= wanted) return;
      if (clock.now().getTime() - start >= timeoutMs) throw notReplaced(change, timeoutMs);
      waitingFor(`another pod in the place of ${change.namespace}/${change.name}`);
      await clock.sleep(INTERVAL_MS, signal);
    }
  }
}

/** The pods of the same controller, itself included; none when it is gone. */
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

/** The pods that are not started anew, a line each with the reason; the last line counts what is too many. */
export function nameKeptPods(stale: readonly StalePod[]): readonly string[] {
  const kept = stale.flatMap(({ pod, keptBecause }) =>
    keptBecause === undefined ? [] : [`${fullName(pod)} may hold the CA as it was before; ${keptBecause}`],
  );
  const more = kept.length - MOST_NAMED;
  return more > 0 ? [...kept.slice(0, MOST_NAMED), `and ${more} more pods that nobody would replace`] : kept;
}

function notReplaced({ target }: PodRestart, timeoutMs: number): PodError {
  return new PodError({
    code: 'POD_NOT_READY',
    message: `no other pod was Ready in its place after ${timeoutMs / 1000} s; the others were left as they are`,
    subject: target,
    hint: 'see why: kubectl get pods, kube-rescue pods list; then run it again',
  });
}
