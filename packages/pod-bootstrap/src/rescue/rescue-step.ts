import { createEdit, deleteEdit, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock, Host } from '@kube-rescue/host';
import type { Change, Edit, Step, StepId } from '@kube-rescue/workflow';
import { type ControllerName, describeController } from '../controllers/pod-controller.ts';
import { type Diagnosis, diagnosePod } from '../diagnosis/pod-diagnosis.ts';
import { fullName, type Pod } from '../pods/pod.ts';
import type { PodWorkOptions } from '../pods/pod-work.ts';
import { listPodsHoldingOldCa } from '../pods/stale-pods.ts';
import { cutRescuePod, RESCUE_OF } from './rescue-pod.ts';
import { assertRescuable } from './rescue-preflight.ts';
import { untilPodIsGone } from '../pods/pod-deletion.ts';
import {
  describeChoice,
  describeOthers,
  nameTaken,
  needsApiServer,
  noPod,
  type RescueFinding,
  scaledDown,
  unavailable,
  toRescueFinding,
  unverified,
  verified,
} from './rescue-findings.ts';
import {
  chooseOrdinal,
  describePod,
  findPresent,
  findWorking,
  readRescueState,
  readStoredPod,
  type RescueState,
  type WatchedPod,
} from './rescue-state.ts';
import { createNodeLogs, type ReadPodLog, readObservations } from '../diagnosis/pod-observations.ts';
import { checkOrWait } from '../diagnosis/store-unavailable.ts';

export interface RescueInput extends Omit<PodWorkOptions, 'since'> {
  /** The controller whose template the pod is made from. */
  readonly controller: ControllerName;
  /** The name of the node that should run the pod. */
  readonly node: string;
  /** Default: `pods/rescue/NAME`. */
  readonly id?: StepId | undefined;
  /** Steps that must be done before, such as the network step. Default: none. */
  readonly requires?: readonly StepId[] | undefined;
  /** How long the pod may take to do its work. Default: 120,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * When the current CA was published to the service accounts. A pod that started before and does not work holds the CA of
   * before: waiting does not help it. Called at each check. Default: such a pod is waited for.
   */
  readonly publishedAt?: (() => Date | undefined) | undefined;
}

export interface RescueStepDeps {
  /** Pods are created through the API server; see {@link createRescueStep}. */
  readonly access: ObjectAccess;
  readonly host: Pick<Host, 'resolveDns' | 'list' | 'readFile'>;
  readonly clock: Clock;
  /** Default: the pod logs on `host`. */
  readonly readLog?: ReadPodLog | undefined;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const INTERVAL_MS = 1_000;

/**
 * A step that runs a pod of a controller on a node while its pods cannot be scheduled or created: creates a pod from the
 * template, runs it there, and waits until it does its work ({@link inspectPodWork}), not only until it is Ready.
 *
 * Does nothing when a pod of the controller works on a node with a fresh heartbeat. A pod that is already bound to such a
 * node runs without a scheduler: the step waits for it, unless it still holds the CA of before (`publishedAt`) or its kubelet
 * waits before it starts it again (`CrashLoopBackOff`). A rescue pod of an earlier run is reused; an ended one is replaced.
 *
 * Creates pods through the API server, never in etcd, because admission adds token, priority and defaults. The rollback
 * deletes the pod.
 *
 * `blocked` with the codes of `PodError` when the pod could not run, `unknown` when the objects cannot be read.
 */
export function createRescueStep(input: RescueInput, deps: RescueStepDeps): Step<RescueFinding> {
  const { controller: wanted, node, requires = [], timeoutMs = DEFAULT_TIMEOUT_MS } = input;
  const { access, clock } = deps;
  const subject = describeController(wanted);
  const edits = new Map<string, Edit>();
  let waitingFor = (_what: string): void => undefined;
  const readState = async (signal: AbortSignal): Promise<RescueState> => {
    const store = await access.open(signal);
    return readRescueState({ wanted, onNode: node, options: input }, { ...deps, store }, signal);
  };
  const explain = async ({ pod, work }: WatchedPod, signal: AbortSignal): Promise<Diagnosis> => {
    const readLog = deps.readLog ?? createNodeLogs(deps);
    const observations = await readObservations(pod, { clock, readLog, store: await access.open(signal) }, signal);
    return diagnosePod({ ...observations, notWorkingReason: work.works ? undefined : work.reason });
  };
  /** Why waiting for a regular pod does not help, or takes too long. */
  const findHopeless = async ({ pod }: WatchedPod, signal: AbortSignal): Promise<Hopeless | undefined> => {
    // Its controller would create another pod on the node, beside the rescue pod.
    if (wanted.kind === 'DaemonSet') return undefined;
    if (pod.annotations[RESCUE_OF] !== undefined) return undefined;
    const crashed = pod.containers.find(({ waiting }) => waiting?.reason === 'CrashLoopBackOff');
    if (crashed !== undefined) return { pod, why: `waits up to five minutes before ${crashed.name} is started again` };
    const publishedAt = input.publishedAt?.();
    if (publishedAt === undefined) return undefined;
    const stale = await listPodsHoldingOldCa({ publishedAt }, { store: await access.open(signal), clock }, signal);
    const isStale = stale.some((each) => each.pod.uid === pod.uid);
    return isStale ? { pod, why: 'started before the current CA was published, and holds the old one' } : undefined;
  };
  return {
    id: input.id ?? `pods/rescue/${wanted.name}`,
    title: `run a rescue pod of ${wanted.name} on ${node}`,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const state = await readState(signal);
        if (state.controller.replicas === 0) return scaledDown(subject);
        const working = findWorking(state);
        if (working !== undefined) {
          const what = working === state.rescue ? 'already does the work' : 'works: no rescue pod is needed';
          return {
            status: 'ok',
            summary: `${describePod(working)} ${what}`,
            evidence: working.work.evidence ?? [],
            changes: [],
          };
        }
        const present = findPresent(state);
        const hopeless = present === undefined ? undefined : await findHopeless(present, signal);
        if (present !== undefined && hopeless === undefined) {
          const { reason, evidence } = await explain(present, signal);
          return { status: 'needed', summary: `${describePod(present)} ${reason}`, evidence, changes: [] };
        }
        const { planned, evidence } = await planRescue(state, { node, access, clock, hopeless }, signal);
        for (const edit of planned) edits.set(describeChange(edit.change), edit);
        return {
          status: 'needed',
          summary: `no pod of ${subject} works; a rescue pod will run on ${node}`,
          evidence,
          changes: planned.map(({ change }) => change),
        };
      } catch (error) {
        return toRescueFinding(error, { subject, requires }, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      waitingFor = (what) => journal.waitingFor(what);
      for (const change of changes) {
        const edit = edits.get(describeChange(change));
        if (edit === undefined) throw new Error(`the check has not planned a change of ${change.target}`);
        await journal.perform([edit]);
        if (change.kind === 'object.delete')
          await untilPodIsGone(edit, { access, clock, timeoutMs, waitingFor }, signal);
      }
    },
    verify: async (signal) => {
      const start = clock.now().getTime();
      for (;;) {
        const outcome = await checkOrWait(async () => {
          const state = await readState(signal);
          const working = findWorking(state);
          if (working !== undefined) return { verdict: verified(working, state) };
          const present = findPresent(state) ?? state.rescue;
          return { failure: present === undefined ? noPod(subject) : await explain(present, signal) };
        });
        if ('verdict' in outcome) return outcome.verdict;
        const elapsedMs = clock.now().getTime() - start;
        const failure = 'failure' in outcome ? outcome.failure : unavailable(outcome);
        if (failure.isFinal || elapsedMs >= timeoutMs) return unverified(failure, elapsedMs);
        waitingFor(`the pod of ${wanted.name}, which ${failure.reason}`);
        await clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}

/** A regular pod that a rescue pod does not wait for. */
interface Hopeless {
  readonly pod: Pod;
  readonly why: string;
}

interface PlanDeps extends Pick<RescueStepDeps, 'access' | 'clock'> {
  readonly node: string;
  readonly hopeless: Hopeless | undefined;
}

/**
 * The edits that create a rescue pod and delete an ended one. A regular pod is left to its controller; only one whose ports the
 * rescue pod needs makes way for it.
 */
async function planRescue(
  state: RescueState,
  { node, access, clock, hopeless }: PlanDeps,
  signal: AbortSignal,
): Promise<{ readonly planned: readonly Edit[]; readonly evidence: readonly string[] }> {
  const { controller, context } = state;
  if (access.source.via === 'etcd') throw needsApiServer(describeController(controller));
  const store = await access.open(signal);
  const ordinal = chooseOrdinal(state);
  const rescue = cutRescuePod(controller, { node, ordinal, selectors: context.selectors });
  const regular = hopeless?.pod;
  const inTheWay = regular?.hostNetwork === true || (regular?.hostPorts.length ?? 0) > 0 ? regular : undefined;
  const pods = context.pods.filter(({ uid }) => uid !== inTheWay?.uid);
  await assertRescuable({ controller, rescue, ordinal, pods }, { store, clock }, signal);
  const { name, namespace = '' } = rescue.object.metadata;
  const present = await readStoredPod({ name, namespace }, store, signal);
  if (present !== undefined && present.object.metadata.uid !== state.rescue?.pod.uid) throw nameTaken(namespace, name);
  const moved = inTheWay && (await readStoredPod(inTheWay, store, signal));
  const deletions = [present, moved].flatMap((pod) => (pod === undefined ? [] : [deleteEdit(access.source, pod)]));
  const why = hopeless === undefined ? [] : [`${fullName(hopeless.pod)} ${hopeless.why}`];
  return {
    planned: [...deletions, createEdit(access.source, RESOURCE_KINDS.Pod, rescue.object)],
    evidence: [...why, ...describeOthers(state), ...describeChoice(rescue.chosen)],
  };
}

function describeChange({ kind, target }: Pick<Change, 'kind' | 'target'>): string {
  return `${kind} ${target}`;
}
