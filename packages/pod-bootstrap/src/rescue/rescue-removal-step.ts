import { deleteEdit, type ObjectStore } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { Edit, Step, StepJournal } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import { findLeaderLock } from '../pods/leader-election.ts';
import { readNode } from '../pods/node-state.ts';
import { fullName, type Pod } from '../pods/pod.ts';
import { describeController } from '../controllers/pod-controller.ts';
import { untilPodIsGone } from '../pods/pod-deletion.ts';
import { checkOrWait } from '../diagnosis/tolerant-reading.ts';
import { type RescueFinding, toRescueFinding } from './rescue-findings.ts';
import { describePod, readRescueState, readStoredPod, type RescueState } from './rescue-state.ts';
import type { RescueInput, RescueStepDeps } from './rescue-step.ts';

export interface RescueRemovalInput extends RescueInput {
  /**
   * Removes the rescue pod although no pod of the controller is Ready to go on with its work. Default: false.
   */
  readonly evenIfNeeded?: boolean | undefined;
}

const DEFAULT_TIMEOUT_MS = 180_000;
const INTERVAL_MS = 1_000;

/**
 * A step that removes a rescue pod: waits until a pod of the controller itself is Ready on a node that is heard, deletes the
 * one that was cut out of it, waits until its kubelet has ended it, and then until the real one does the work: of two
 * leaders one waits until the lock of the other has run out.
 *
 * `blocked` with `POD_NODE_DEAD` when the node of the rescue pod is gone: nobody ends it there. Taken back by making the
 * rescue pod anew.
 */
export function createRescueRemovalStep(input: RescueRemovalInput, deps: RescueStepDeps): Step<RescueFinding> {
  const { controller: wanted, node, requires = [], timeoutMs = DEFAULT_TIMEOUT_MS, evenIfNeeded = false } = input;
  const { access, clock } = deps;
  const subject = describeController(wanted);
  let waitingFor = (_what: string): void => undefined;
  let goneAt: Date | undefined;
  const look = async (signal: AbortSignal): Promise<RescueState> => {
    const store = await access.open(signal);
    const options = { ...input, since: goneAt };
    return readRescueState({ wanted, onNode: node, options }, { ...deps, store }, signal);
  };
  const until = async (
    judge: (state: RescueState) => string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> => {
    const start = clock.now().getTime();
    for (;;) {
      const seen = await checkOrWait(() => look(signal));
      const reason = 'silence' in seen ? seen.silence : judge(seen);
      if (reason === undefined || clock.now().getTime() - start >= timeoutMs) return reason;
      waitingFor(reason);
      await clock.sleep(INTERVAL_MS, signal);
    }
  };
  return {
    id: input.id ?? `pods/release/${wanted.name}`,
    title: `remove the rescue pod of ${wanted.name}`,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const state = await look(signal);
        if (state.rescue === undefined) {
          return { status: 'ok', summary: `${subject} has no rescue pod`, evidence: [], changes: [] };
        }
        const store = await access.open(signal);
        if (access.source.via === 'api') await assertEnded(state.rescue.pod, { store, clock }, signal);
        const read = await readStoredPod(state.rescue.pod, store, signal);
        const isThere = read !== undefined && read.object.metadata.uid === state.rescue.pod.uid;
        const changes = isThere && !state.rescue.pod.isTerminating ? [deleteEdit(access.source, read).change] : [];
        const evidence = state.real.map(
          (each) => `${describePod(each)} is ${each.pod.isReady ? 'Ready' : 'not Ready'}`,
        );
        return { status: 'needed', summary: `${describePod(state.rescue)} is to be removed`, evidence, changes };
      } catch (error) {
        return toRescueFinding(error, { subject, requires }, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      waitingFor = (what) => journal.waitingFor(what);
      const reason = evenIfNeeded ? undefined : await until((state) => explainNeed(state, subject), signal);
      if (reason !== undefined) throw stillNeeded(reason, subject, timeoutMs);
      for (const change of changes) await remove({ change }, journal, signal);
    },
    verify: async (signal) => {
      // What the pod that was removed has written last is no proof of another.
      goneAt ??= clock.now();
      const reason = await until((state) => explainDoubt(state, evenIfNeeded), signal);
      if (reason !== undefined) {
        return { verified: false, reason, hint: 'read the log of the pod that should go on (kubectl logs)' };
      }
      const { real } = await look(signal);
      const evidence = real.flatMap(({ work }) => work.evidence ?? []);
      return { verified: true, evidence: [`no rescue pod of ${subject} is left`, ...evidence] };
    },
  };

  async function remove(edit: Edit, journal: StepJournal, signal: AbortSignal): Promise<void> {
    await journal.perform([edit]);
    await untilPodIsGone(edit, { access, clock, timeoutMs, waitingFor }, signal);
    goneAt = clock.now();
  }
}

/** Nobody but the kubelet of its node ends a pod that is deleted through the API server. */
async function assertEnded(
  pod: Pod,
  deps: { readonly store: Pick<ObjectStore, 'get'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<void> {
  const node = pod.node === undefined ? undefined : await readNode(pod.node, deps, signal);
  if (node?.isHeartbeatFresh === true) return;
  throw new PodError({
    code: 'POD_NODE_DEAD',
    message: `its node ${pod.node ?? ''} is not heard, so nobody would end the pod that is deleted`,
    subject: fullName(pod),
    hint: `start the kubelet of that node; if it never comes back: kubectl delete pod ${pod.name} --namespace ${pod.namespace} --force`,
  });
}

/** Why the rescue pod cannot go yet; of those that elect a leader another can only be Ready while it is there. */
function explainNeed({ controller, real }: RescueState, subject: string): string | undefined {
  const elects = findLeaderLock(controller.component, controller.containers) !== undefined;
  if (real.some(({ pod, work }) => (elects ? pod.isReady : work.works))) return undefined;
  const reasons = real.flatMap(({ work }) => work.reason ?? []);
  return `no pod of ${subject} can go on with the work${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
}

function explainDoubt({ rescue, real }: RescueState, evenIfNeeded: boolean): string | undefined {
  if (rescue !== undefined) return `${describePod(rescue)} is there still`;
  if (evenIfNeeded || real.some(({ work }) => work.works)) return undefined;
  return real.flatMap(({ work }) => work.reason ?? [])[0] ?? 'no pod has gone on with the work';
}

function stillNeeded(reason: string, subject: string, timeoutMs: number): PodError {
  return new PodError({
    code: 'POD_STILL_NEEDED',
    message: `the rescue pod was left: after ${timeoutMs / 1000} s ${reason}`,
    subject,
    hint: 'see why the real ones do not run: kube-rescue pods list',
  });
}
