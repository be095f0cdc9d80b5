import { createEdit, deleteEdit, type ObjectAccess, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import type { Clock, Host } from '@kube-rescue/host';
import type { Edit, Step, StepId } from '@kube-rescue/workflow';
import { type ControllerName, describeController } from '../controllers/pod-controller.ts';
import { type Diagnosis, diagnosePod } from '../diagnosis/pod-diagnosis.ts';
import type { PodWorkOptions } from '../pods/pod-work.ts';
import { cutRescuePod } from './rescue-pod.ts';
import { assertRescuable } from './rescue-preflight.ts';
import { untilPodIsGone } from '../pods/pod-deletion.ts';
import {
  describeChoice,
  describeOthers,
  nameTaken,
  needsApiServer,
  nobodyThere,
  type RescueFinding,
  scaledDown,
  silent,
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
import { createNodeLogs, type ReadPodLog, readObservations } from '../diagnosis/symptoms.ts';
import { checkOrWait } from '../diagnosis/tolerant-reading.ts';

export interface RescueInput extends Omit<PodWorkOptions, 'since'> {
  /** What the pod is cut out of. */
  readonly controller: ControllerName;
  /** The node that is to run it, as it is registered. */
  readonly node: string;
  /** Default: `pods/rescue/NAME`. */
  readonly id?: StepId | undefined;
  /** Steps that must have been made before, such as the network's. Default: none. */
  readonly requires?: readonly StepId[] | undefined;
  /** How long the pod may take until it does its work. Default: 120,000. */
  readonly timeoutMs?: number | undefined;
}

export interface RescueStepDeps {
  /** Pods are created through the API server; see {@link createRescueStep}. */
  readonly access: ObjectAccess;
  readonly host: Pick<Host, 'resolveDns' | 'list' | 'readFile'>;
  readonly clock: Clock;
  /** Default: the logs that the kubelet of `host` keeps. */
  readonly readLog?: ReadPodLog | undefined;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const INTERVAL_MS = 1_000;

/**
 * A step that has the work of a controller done on a node while nothing can schedule or make its pods: cuts a pod out of
 * its template, runs it there, and waits until it does its work ({@link inspectPodWork}), not only until it is Ready.
 *
 * Nothing is done where a pod of the controller is at work on a node that is heard. Where one is bound to such a node
 * already, its kubelet runs it without a scheduler: it is waited for, and no other is made. A rescue pod of an earlier run
 * is gone on with; one that ended is replaced.
 *
 * Pods are made through the API server, never in etcd: the token, priority and defaults that its admission adds are not
 * made up here, and a kubelet takes its pods from the API server anyway. Taken back by deleting the pod.
 *
 * Finds `blocked` with the codes of `PodError` where it could not run, `unknown` where the objects cannot be read.
 */
export function createRescueStep(input: RescueInput, deps: RescueStepDeps): Step<RescueFinding> {
  const { controller: wanted, node, requires = [], timeoutMs = DEFAULT_TIMEOUT_MS } = input;
  const { access, clock } = deps;
  const subject = describeController(wanted);
  const edits = new Map<string, Edit>();
  let waitingFor = (_what: string): void => undefined;
  const look = async (signal: AbortSignal): Promise<RescueState> => {
    const store = await access.open(signal);
    return readRescueState({ wanted, onNode: node, options: input }, { ...deps, store }, signal);
  };
  const explain = async ({ pod, work }: WatchedPod, signal: AbortSignal): Promise<Diagnosis> => {
    const readLog = deps.readLog ?? createNodeLogs(deps);
    const symptoms = await readObservations(pod, { clock, readLog, store: await access.open(signal) }, signal);
    return diagnosePod({ ...symptoms, idleness: work.works ? undefined : work.reason });
  };
  return {
    id: input.id ?? `pods/rescue/${wanted.name}`,
    title: `have the work of ${wanted.name} done on ${node}`,
    requires,
    reversible: 'yes',
    check: async (signal) => {
      try {
        const state = await look(signal);
        if (state.controller.replicas === 0) return scaledDown(subject);
        const working = findWorking(state);
        if (working !== undefined) {
          const what = working === state.rescue ? 'does the work already' : 'is at work: nothing needs to be rescued';
          return {
            status: 'ok',
            summary: `${describePod(working)} ${what}`,
            evidence: working.work.evidence ?? [],
            changes: [],
          };
        }
        const present = findPresent(state);
        if (present !== undefined) {
          const { reason, evidence } = await explain(present, signal);
          return { status: 'needed', summary: `${describePod(present)} ${reason}`, evidence, changes: [] };
        }
        const { planned, evidence } = await planRescue(state, { node, access, clock }, signal);
        for (const edit of planned) edits.set(edit.change.kind, edit);
        return {
          status: 'needed',
          summary: `no pod of ${subject} is at work; one is to be cut out of it and run on ${node}`,
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
      for (const { kind, target } of changes) {
        const edit = edits.get(kind);
        if (edit === undefined) throw new Error(`no check has planned to change ${target}`);
        await journal.perform([edit]);
        if (kind === 'object.delete') await untilPodIsGone(edit, { access, clock, timeoutMs, waitingFor }, signal);
      }
    },
    verify: async (signal) => {
      const start = clock.now().getTime();
      for (;;) {
        const seen = await checkOrWait(async () => {
          const state = await look(signal);
          const working = findWorking(state);
          if (working !== undefined) return { verdict: verified(working, state) };
          const present = findPresent(state) ?? state.rescue;
          return { failure: present === undefined ? nobodyThere(subject) : await explain(present, signal) };
        });
        if ('verdict' in seen) return seen.verdict;
        const elapsedMs = clock.now().getTime() - start;
        const failure = 'failure' in seen ? seen.failure : silent(seen);
        if (failure.isFinal || elapsedMs >= timeoutMs) return unverified(failure, elapsedMs);
        waitingFor(`the pod of ${wanted.name}: it ${failure.reason}`);
        await clock.sleep(INTERVAL_MS, signal);
      }
    },
  };
}

/** The edits that put a rescue pod there, in place of one that has ended. */
async function planRescue(
  state: RescueState,
  { node, access, clock }: { readonly node: string; readonly access: ObjectAccess; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ readonly planned: readonly Edit[]; readonly evidence: readonly string[] }> {
  const { controller, surroundings } = state;
  if (access.source.via === 'etcd') throw needsApiServer(describeController(controller));
  const store = await access.open(signal);
  const ordinal = chooseOrdinal(state);
  const rescue = cutRescuePod(controller, { node, ordinal, selectors: surroundings.selectors });
  await assertRescuable({ controller, rescue, ordinal, pods: surroundings.pods }, { store, clock }, signal);
  const { name, namespace = '' } = rescue.object.metadata;
  const present = await readStoredPod({ name, namespace }, store, signal);
  if (present !== undefined && present.object.metadata.uid !== state.rescue?.pod.uid) throw nameTaken(namespace, name);
  const creation = createEdit(access.source, RESOURCE_KINDS.Pod, rescue.object);
  return {
    planned: present === undefined ? [creation] : [deleteEdit(access.source, present), creation],
    evidence: [...describeOthers(state), ...describeChoice(rescue.chosen)],
  };
}
