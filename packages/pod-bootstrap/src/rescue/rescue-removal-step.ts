import { deleteEdit, type ObjectStore } from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import type { Edit, Step, StepJournal } from '@kube-rescue/workflow';
import { PodError } from '../errors.ts';
import { findLeaderLock, isHeldBy, readLeaders } from '../leases/leader-election.ts';
import { leaseRelease } from '../leases/lease-release-kind.ts';
import { readNode } from '../pods/node-state.ts';
import { fullName, type Pod } from '../pods/pod.ts';
import { describeController } from '../controllers/pod-controller.ts';
import { untilPodIsGone } from '../pods/pod-deletion.ts';
import { checkOrWait } from '../diagnosis/store-unavailable.ts';
import { type RescueFinding, toRescueFinding } from './rescue-findings.ts';
import { describePod, readRescueState, readStoredPod, type RescueState } from './rescue-state.ts';
import type { RescueInput, RescueStepDeps } from './rescue-step.ts';

export interface RescueRemovalInput extends RescueInput {
  /**
   * Removes the rescue pod even if no pod of the controller is Ready to take over. Default: false.
   */
  readonly evenIfNeeded?: boolean | undefined;
}

const DEFAULT_TIMEOUT_MS = 180_000;
const INTERVAL_MS = 1_000;

/**
 * A step that removes a rescue pod: waits until a regular pod is Ready on a node with a fresh heartbeat, deletes the rescue
 * pod, waits until its kubelet has terminated it, takes its leader lock from it, and then waits until the regular pod does the work.
 *
 * `blocked` with `POD_NODE_NOT_REPORTING` when the node of the rescue pod is lost: no kubelet would terminate it. The rollback
 * recreates the rescue pod.
 */
export function createRescueRemovalStep(input: RescueRemovalInput, deps: RescueStepDeps): Step<RescueFinding> {
  const { controller: wanted, node, requires = [], timeoutMs = DEFAULT_TIMEOUT_MS, evenIfNeeded = false } = input;
  const { access, clock } = deps;
  const subject = describeController(wanted);
  let waitingFor = (_what: string): void => undefined;
  let goneAt: Date | undefined;
  const readState = async (signal: AbortSignal): Promise<RescueState> => {
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
      const state = await checkOrWait(() => readState(signal));
      const reason = 'unavailable' in state ? state.unavailable : judge(state);
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
        const state = await readState(signal);
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
        return { status: 'needed', summary: `${describePod(state.rescue)} will be removed`, evidence, changes };
      } catch (error) {
        return toRescueFinding(error, { subject, requires }, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      waitingFor = (what) => journal.waitingFor(what);
      const reason = evenIfNeeded ? undefined : await until((state) => explainNeed(state, subject), signal);
      if (reason !== undefined) throw stillNeeded(reason, subject, timeoutMs);
      for (const change of changes) {
        const before = await readState(signal);
        await remove({ change }, journal, signal);
        await releaseLock(before, journal, signal);
      }
    },
    verify: async (signal) => {
      // Lock renewals of the removed pod do not count.
      goneAt ??= clock.now();
      const reason = await until((state) => explainDoubt(state, evenIfNeeded), signal);
      if (reason !== undefined) {
        return { verified: false, reason, hint: 'check the log of the pod that should take over (kubectl logs)' };
      }
      const { real } = await readState(signal);
      const evidence = real.flatMap(({ work }) => work.evidence ?? []);
      return { verified: true, evidence: [`${subject} has no rescue pod`, ...evidence] };
    },
  };

  async function remove(edit: Edit, journal: StepJournal, signal: AbortSignal): Promise<void> {
    await journal.perform([edit]);
    await untilPodIsGone(edit, { access, clock, timeoutMs, waitingFor }, signal);
    goneAt = clock.now();
  }

  /** The removed pod holds its lock for 15 s more; its successor need not wait for a pod that its kubelet has ended. */
  async function releaseLock(before: RescueState, journal: StepJournal, signal: AbortSignal): Promise<void> {
    const lock = findLeaderLock(before.controller.component, before.controller.containers);
    const { rescue, real } = before;
    if (lock === undefined || rescue === undefined) return;
    const read = await checkOrWait(async () => {
      const store = await access.open(signal);
      return { leaders: await readLeaders(lock, { store, clock }, signal) };
    });
    // Unreadable for the moment: the successor waits until the lock expires.
    const leaders = 'leaders' in read ? read.leaders : [];
    const held = leaders.filter(
      // On the network of its node, the removed pod and another one have the same name.
      (leader) => isHeldBy(leader, rescue.pod) && !real.some(({ pod }) => isHeldBy(leader, pod)),
    );
    if (held.length === 0) return;
    await journal.perform(held.map((leader) => ({ change: leaseRelease(lock, leader, access.source) })));
  }
}

/** Only the kubelet of its node terminates a pod that is deleted through the API server. */
async function assertEnded(
  pod: Pod,
  deps: { readonly store: Pick<ObjectStore, 'get'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<void> {
  const node = pod.node === undefined ? undefined : await readNode(pod.node, deps, signal);
  if (node?.isHeartbeatFresh === true) return;
  throw new PodError({
    code: 'POD_NODE_NOT_REPORTING',
    message: `the kubelet on ${pod.node ?? ''} has not reported, so the pod would never terminate`,
    subject: fullName(pod),
    hint: `start the kubelet of the node; if the node is lost: kubectl delete pod ${pod.name} --namespace ${pod.namespace} --force`,
  });
}

/** Why the rescue pod is still needed; with leader election, a replica is only Ready until the rescue pod is gone. */
function explainNeed({ controller, real }: RescueState, subject: string): string | undefined {
  const elects = findLeaderLock(controller.component, controller.containers) !== undefined;
  if (real.some(({ pod, work }) => (elects ? pod.isReady : work.works))) return undefined;
  const reasons = real.flatMap(({ work }) => work.reason ?? []);
  return `no pod of ${subject} can take over${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`;
}

function explainDoubt({ rescue, real }: RescueState, evenIfNeeded: boolean): string | undefined {
  if (rescue !== undefined) return `${describePod(rescue)} still exists`;
  if (evenIfNeeded || real.some(({ work }) => work.works)) return undefined;
  return real.flatMap(({ work }) => work.reason ?? [])[0] ?? 'no pod has taken over the work';
}

function stillNeeded(reason: string, subject: string, timeoutMs: number): PodError {
  return new PodError({
    code: 'POD_STILL_NEEDED',
    message: `the rescue pod was not removed: after ${timeoutMs / 1000} s ${reason}`,
    subject,
    hint: 'check why the regular pods do not run: `kube-rescue pods list`',
  });
}
