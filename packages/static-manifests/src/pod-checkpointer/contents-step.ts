import type { ObjectAccess } from '@kube-rescue/cluster-objects';
import type { Clock, Host, HostPath } from '@kube-rescue/host';
import { type Change, type Edit, type Finding, type Step, type StepId, toErrorFinding } from '@kube-rescue/workflow';
import type { Checkpoints } from './checkpoint.ts';
import { changeThroughWindow, isApiServerDown, planActivation } from './api-window.ts';
import { type CheckpointContents, type ContentEdits, planContents } from './checkpoint-contents.ts';
import { readCheckpoints } from './checkpoint-reading.ts';
import { planParents } from './parent-guard.ts';
import { planFreeze, planHandOver } from './checkpointer-freeze.ts';
import { watchForParent } from './parent-attempt.ts';
import { findApiServerCheckpoint, findStandstill } from './standstill.ts';

export interface CheckpointContentsInput {
  /** Default: `checkpoint/contents`. */
  readonly id?: StepId | undefined;
  readonly requires: readonly StepId[];
  /** The static pod directory of the kubelet. */
  readonly directory: HostPath;
  /** Name of the kubelet's service. */
  readonly kubeletService: string;
  /**
   * The wanted contents; check, apply and verify call it, and it must return the same each time. Default: the cached copies
   * equal the objects in the cluster.
   */
  readonly wanted?: ((signal: AbortSignal) => Promise<CheckpointContents>) | undefined;
  /** The steps that make the objects reachable. Default: none. */
  readonly waitsFor?: readonly StepId[] | undefined;
}

export interface CheckpointFinding extends Finding {
  readonly changes: readonly Change[];
}

export interface ContentsDeps {
  readonly host: Host;
  readonly clock: Clock;
  /** `undefined`: only files are changed. */
  readonly objects: ObjectAccess | undefined;
}

/**
 * Changes Secrets in the cluster, the copies in the checkpointer's cache, its manifests and further files of the node
 * as one unit, while neither kubelet nor checkpointer runs. Then starts the kubelet.
 *
 * Also needed without a difference when the API server is stuck after a failed hand-over; see
 * {@link findStandstill}. Objects come before files: with new objects and old files the checkpointer only writes the new
 * contents, but it reverts new files with old objects within a minute.
 *
 * While the API server for the objects is down, the step changes them as soon as it answers from its checkpoint with the
 * new files and without a checkpointer; then it freezes and resumes everything once more.
 *
 * Otherwise the kubelet starts the API server from its checkpoint, and the checkpointer is kept out until the kubelet has tried the
 * parent's container, for 60 s at most: a hand-over before that leaves neither running.
 *
 * Verified when everything reads as written and the kubelet runs; another step verifies that the API server stays up.
 */
export function createCheckpointContentsStep(
  input: CheckpointContentsInput,
  deps: ContentsDeps,
): Step<CheckpointFinding> {
  const { kubeletService } = input;
  const look = async (signal: AbortSignal): Promise<Observation> => {
    const checkpoints = await readCheckpoints(input, deps);
    const wanted = await input.wanted?.(signal);
    const contents = await planContents({ checkpoints, wanted }, deps, signal);
    return { checkpoints, contents, isDown: false };
  };
  /** As far as known while the API server for the objects is down. */
  const lookAtFiles = async (signal: AbortSignal): Promise<Observation> => {
    const checkpoints = await readCheckpoints(input, deps);
    const wanted = await input.wanted?.(signal);
    const files = await planContents({ checkpoints, wanted }, { ...deps, objects: undefined }, signal);
    return { checkpoints, contents: files, isDown: true };
  };
  const lookAnyway = async (signal: AbortSignal): Promise<Observation> => {
    try {
      return await look(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isApiServerDown(error, deps.objects)) throw error;
      return lookAtFiles(signal);
    }
  };
  return {
    id: input.id ?? 'checkpoint/contents',
    title: 'change what the pod checkpointer keeps, with the checkpointer frozen',
    requires: input.requires,
    reversible: 'yes',
    check: async (signal) => {
      if (deps.host.kind === 'copy') return onACopy(input.directory);
      try {
        const finding = await judge(await lookAnyway(signal), input, deps);
        // When the files need no change, report why the objects cannot be read.
        return finding.status === 'ok' && deps.objects?.source.via === 'api'
          ? await judge(await look(signal), input, deps)
          : finding;
      } catch (error) {
        return { ...toErrorFinding(error, signal), waitsFor: input.waitsFor ?? [] };
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      const { checkpoints, contents } = await lookAnyway(signal);
      const wake = changes.find(({ kind }) => kind === 'checkpointer.wake');
      const activation = wake === undefined ? [] : await planActivation(checkpoints, contents.files, deps);
      const fresh = [...contents.objects, ...contents.files, ...activation];
      const edits = changes.map((change) => withMaterial(change, fresh));
      const apiServer = findApiServerCheckpoint(checkpoints);
      const handOver = changes.find(({ kind }) => kind === 'checkpointer.hand-over');
      if (wake !== undefined && handOver !== undefined && apiServer !== undefined) {
        await journal.perform(edits.filter(({ change }) => change !== wake && change !== handOver));
        const parent = await watchForParent(apiServer, deps);
        await journal.perform([{ change: wake }]);
        journal.waitingFor(`the kubelet to try ${apiServer.namespace}/${apiServer.name}, beside its checkpoint`);
        // Left to the checkpointer where the kubelet does not try it.
        const end = (await parent(signal)) ? handOver : { ...handOver, kind: 'checkpointer.thaw' };
        await journal.perform([{ change: end }]);
        return;
      }
      await journal.perform(edits);
      if (wake === undefined) return;
      const end = { ...wake, kind: 'checkpointer.restart' };
      const lookThrough = async () => {
        const { contents: now } = await look(signal);
        const parents = deps.objects && (await planParents(input, { ...deps, objects: deps.objects }, signal));
        const missing = [...now.missing, ...(parents?.lost ?? [])];
        return { edits: [...(parents?.edits ?? []), ...now.objects, ...now.files], missing };
      };
      await changeThroughWindow({ look: lookThrough, end, journal, signal }, deps);
    },
    verify: async (signal) => {
      const { contents } = await lookAnyway(signal);
      const left = [...contents.objects, ...contents.files].map(({ change }) => change.target);
      if (left.length > 0) {
        const hint = 'find out who else writes there: `kube-rescue manifests list` names the writers it knows';
        return { verified: false, reason: `not as written any more: ${left.join(', ')}`, hint };
      }
      if ((await deps.host.services.status(kubeletService)) !== 'running') {
        return { verified: false, reason: `the service ${kubeletService} does not run`, hint: 'read its log' };
      }
      return { verified: true, evidence: ['objects, cached copies and manifests agree', `${kubeletService} runs`] };
    },
  };
}

interface Observation {
  readonly checkpoints: Checkpoints;
  readonly contents: ContentEdits;
  /** The API server for the objects does not answer: only files were read. */
  readonly isDown: boolean;
}

async function judge(
  { checkpoints, contents, isDown }: Observation,
  { directory, kubeletService }: CheckpointContentsInput,
  { host, objects }: ContentsDeps,
): Promise<CheckpointFinding> {
  const problems = checkpoints.problems.map(({ subject, message }) => `${subject}: ${message}`);
  const evidence = [...contents.evidence, ...problems];
  if (contents.missing.length > 0) {
    return {
      ...{ status: 'blocked', summary: `the cluster has no ${contents.missing.join(', no ')}`, evidence, changes: [] },
      ...{ code: 'OBJECT_NOT_FOUND', subject: contents.missing[0] },
      hint: 'put the object back first; without it the parent pod cannot start',
    };
  }
  const edits = [...contents.objects, ...contents.files];
  const standstill = await findStandstill(checkpoints, { host });
  if (edits.length === 0 && standstill === undefined) {
    const count = checkpoints.checkpoints.length;
    const summary = count === 0 ? `no checkpointed pods beside ${directory}` : 'what is cached is what it is to be';
    return { status: 'ok', summary, evidence, changes: [] };
  }
  if ((await host.services.status(kubeletService)) === 'unknown') {
    return {
      ...{ status: 'blocked', summary: `there is no way to stop the service ${kubeletService} on this machine` },
      ...{ evidence, changes: [], code: 'HOST_SERVICE_UNKNOWN', subject: kubeletService },
      hint: 'give a program that starts and stops the service with --service-command, or the service name with --kubelet-service',
    };
  }
  const frozen = checkpoints.checkpoints.filter(
    (each) => each.isCheckpointer || each.component === 'kube-apiserver' || contents.checkpoints.includes(each),
  );
  const { freeze, resume, wake } = planFreeze({
    directories: checkpoints.directories,
    checkpoints: frozen,
    kubeletService,
  });
  const [first, last] = [contents.objects, contents.files].map((each) => each.map(({ change }) => change));
  const activation = (await planActivation(checkpoints, contents.files, { host })).map(({ change }) => change);
  if (isDown) {
    const summary = `files that are not what they are to be: ${edits.length}; objects follow when the API server answers`;
    return { status: 'needed', summary, evidence, changes: [freeze, ...(last ?? []), ...activation, wake] };
  }
  // The freeze ends the API server, so its own edits come first.
  const changes = objects?.source.via === 'api' ? [...(first ?? []), freeze] : [freeze, ...(first ?? [])];
  const summary = [
    ...(edits.length > 0 ? [`objects and files that are not what they are to be: ${edits.length}`] : []),
    ...(standstill === undefined ? [] : [standstill]),
  ].join('; ');
  const apiServer = findApiServerCheckpoint(checkpoints);
  const start =
    apiServer === undefined ? [resume] : [...activation, wake, planHandOver(resume, apiServer, checkpoints)];
  return { status: 'needed', summary, evidence, changes: [...changes, ...(last ?? []), ...start] };
}

function withMaterial(change: Change, fresh: readonly Edit[]): Edit {
  const edit = fresh.find((each) => each.change.kind === change.kind && each.change.target === change.target);
  return edit === undefined ? { change } : { change, material: edit.material };
}

/** A copy of a node has neither kubelet nor checkpointer. */
function onACopy(subject: string): CheckpointFinding {
  return {
    ...{ status: 'blocked', summary: 'a copy of a node runs no pods', evidence: [], changes: [] },
    ...{ code: 'HOST_UNSUPPORTED', subject, hint: 'do this on the node itself, without --root' },
  };
}
