import type { ObjectAccess, ObjectStore } from '@kube-rescue/cluster-objects';
import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import type { Clock } from '@kube-rescue/host';
import {
  type Change,
  type Edit,
  type Finding,
  mapConcurrent,
  type Step,
  type StepId,
  toErrorFinding,
  type Verdict,
} from '@kube-rescue/workflow';
import { describeHeartbeat, isReadyNow, type NodeHeartbeat, readHeartbeat } from '../nodes/node-heartbeat.ts';
import { type OpenNode, workerFailed } from './node-access.ts';
import { assertSameMachine, compareFiles, kubeletRestart, type Worker } from './worker.ts';

export interface JoinStepInput {
  readonly workers: readonly Worker[];
  readonly requires?: readonly StepId[] | undefined;
  /** How long a restarted kubelet may take to become Ready. Default: 180 s. */
  readonly readyTimeoutMs?: number | undefined;
  /** Whether the step succeeds even when no worker can be joined, with a warning for each. Default: false. */
  readonly mayFail?: boolean | undefined;
}

export interface JoinStepDeps {
  readonly objects: Pick<ObjectAccess, 'open'>;
  readonly openNode: OpenNode;
  readonly clock: Clock;
}

/** Id of the step; its warnings name the workers that were not changed. */
export const JOIN_STEP: StepId = 'nodes/join';

interface JoinFinding extends Finding {
  readonly changes: readonly Change[];
}

/** The state of one worker: its needed edits, or why it cannot be joined. */
interface WorkerState {
  readonly worker: Worker;
  readonly edits: readonly Edit[];
  readonly evidence: readonly string[];
  readonly failure?: RecoveryError | undefined;
}

const READY_TIMEOUT_MS = 180_000;
const POLL_MS = 2000;
/** Concurrent connections. */
const AT_A_TIME = 8;

/**
 * Gives workers their files, restarts their kubelets and waits until their Nodes are Ready again.
 *
 * An unreachable, wrong or failing worker does not stop the others. An unchanged worker is a warning of the verdict; a changed
 * one that is not Ready makes the step unverified. Does not sign, and does not check the content of files.
 */
export function createJoinStep(input: JoinStepInput, deps: JoinStepDeps): Step<JoinFinding> {
  const { workers, requires = [], readyTimeoutMs = READY_TIMEOUT_MS, mayFail = false } = input;
  const { objects, openNode, clock } = deps;
  const planned = new Map<string, Edit>();
  const failed = new Map<string, RecoveryError>();
  const touched = new Set<string>();
  /** The time of each Node's Ready condition before the restart: the condition survives a kubelet restart. */
  const reportedBefore = new Map<string, string | undefined>();

  const inspect = async (worker: Worker, store: ObjectStore, signal: AbortSignal): Promise<WorkerState> => {
    const heartbeat = await readWorkerNode(store, worker.node, signal);
    return attempt(worker, async () => {
      if (isRecoveryError(heartbeat)) throw heartbeat;
      const host = await openNode(worker.access);
      assertSameMachine(worker.node, heartbeat.node, host);
      const { edits, evidence } = await compareFiles(worker, host);
      const service = await host.services.status(worker.kubeletService);
      const isHealthy = service !== 'stopped' && service !== 'starting' && isReadyNow(heartbeat, clock.now());
      if (edits.length === 0 && isHealthy) return { worker, edits: [], evidence: [] };
      const lines = [...evidence, `${worker.node}: kubelet ${service}, ${describeHeartbeat(heartbeat)}`];
      return { worker, edits: [...edits, kubeletRestart(worker)], evidence: lines };
    });
  };

  const inspectAll = async (signal: AbortSignal): Promise<readonly WorkerState[]> => {
    const store = await objects.open(signal);
    return mapConcurrent(workers, AT_A_TIME, (worker) => inspect(worker, store, signal));
  };

  return {
    id: JOIN_STEP,
    title: 'rejoin the workers',
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        return toFinding(await inspectAll(signal), mayFail, planned);
      } catch (error) {
        return toErrorFinding(error, signal);
      }
    },
    plan: ({ changes }) => changes,
    apply: async (changes, journal, signal) => {
      failed.clear();
      const due = workers.filter((worker) => changes.some((change) => isOf(change, worker)));
      for (const worker of due) {
        signal.throwIfAborted();
        const own = changes.filter((change) => isOf(change, worker));
        try {
          const heartbeat = await readWorkerNode(await objects.open(signal), worker.node, signal);
          if (isRecoveryError(heartbeat)) throw heartbeat;
          reportedBefore.set(worker.node, heartbeat.readiness.reportedAt);
          touched.add(worker.node);
          await journal.perform(own.map((change) => planned.get(change.target) ?? { change }));
        } catch (error) {
          if (!isRecoveryError(error)) throw error;
          failed.set(worker.node, error);
        }
      }
      const [first] = failed.values();
      if (first !== undefined && failed.size === due.length) throw first;
    },
    verify: async (signal, waitingFor) => {
      waitingFor?.(
        `the kubelets of ${workers.map(({ node }) => node).join(', ')} to report that their Nodes are Ready`,
      );
      const store = await objects.open(signal);
      const deadline = clock.now().getTime() + readyTimeoutMs;
      const ends = await mapConcurrent(workers, workers.length, async (worker) => {
        const node = await readWorkerNode(store, worker.node, signal);
        const state = await attempt(worker, async () => {
          if (isRecoveryError(node)) throw node;
          const { edits } = await compareFiles(worker, await openNode(worker.access));
          return { worker, edits, evidence: [] };
        });
        const failure = failed.get(worker.node) ?? state.failure;
        if (failure !== undefined) {
          // An unchanged worker cannot be broken.
          return { [touched.has(worker.node) ? 'bad' : 'left']: describeFailure(worker, failure) };
        }
        if (state.edits.length > 0) return { bad: `${worker.node}: its files differ from the written ones` };
        const heartbeat = await waitForReady(worker, store, deadline, signal);
        if (isRecoveryError(heartbeat)) return { bad: describeFailure(worker, heartbeat) };
        const line = `${worker.node}: ${describeHeartbeat(heartbeat)}`;
        return isBack(worker.node, heartbeat) ? { good: line } : { bad: line };
      });
      return toVerdict(ends);
    },
  };

  /** A kubelet renews its Lease before it is Ready, so a restarted kubelet must report a new condition. */
  function isBack(node: string, heartbeat: NodeHeartbeat): boolean {
    const isNew = !touched.has(node) || heartbeat.readiness.reportedAt !== reportedBefore.get(node);
    return isNew && isReadyNow(heartbeat, clock.now());
  }

  async function waitForReady(
    { node }: Worker,
    store: ObjectStore,
    deadline: number,
    signal: AbortSignal,
  ): Promise<NodeHeartbeat | RecoveryError> {
    for (;;) {
      const heartbeat = await readWorkerNode(store, node, signal);
      if (isRecoveryError(heartbeat)) return heartbeat;
      if (isBack(node, heartbeat) || clock.now().getTime() >= deadline) return heartbeat;
      await clock.sleep(POLL_MS, signal);
    }
  }
}

interface End {
  readonly good?: string;
  /** Nothing was written on this worker. */
  readonly left?: string;
  readonly bad?: string;
}

/** The heartbeat, or why the Node or the Lease of this one worker cannot be read: it must not stop the other workers. */
async function readWorkerNode(
  store: ObjectStore,
  node: string,
  signal: AbortSignal,
): Promise<NodeHeartbeat | RecoveryError> {
  try {
    return await readHeartbeat(store, node, signal);
  } catch (error) {
    if (isRecoveryError(error, 'OBJECT_UNREADABLE', 'OBJECT_ENCODING_UNSUPPORTED', 'OBJECT_INVALID')) return error;
    throw error;
  }
}

async function attempt(worker: Worker, action: () => Promise<WorkerState>): Promise<WorkerState> {
  try {
    return await action();
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { worker, edits: [], evidence: [], failure: error };
  }
}

function toFinding(states: readonly WorkerState[], mayFail: boolean, planned: Map<string, Edit>): JoinFinding {
  const failures = states.filter((state) => state.failure !== undefined);
  const edits = states.flatMap((state) => state.edits);
  const changes = edits.map(({ change }) => change);
  const evidence = [
    ...states.flatMap((state) => state.evidence),
    ...failures.map(({ worker, failure }) => describeFailure(worker, failure)),
  ];
  planned.clear();
  for (const edit of edits) planned.set(edit.change.target, edit);
  if (edits.length === 0 && failures.length === 0) {
    return { status: 'ok', summary: 'every worker has joined its cluster', evidence, changes };
  }
  const [first] = failures;
  if (edits.length === 0 && !mayFail && first?.failure !== undefined) {
    const { code, hint } = first.failure;
    const summary = failures
      .flatMap(({ worker, failure }) => (failure === undefined ? [] : [workerFailed(worker.node, failure).message]))
      .join('; ');
    return { status: 'blocked', summary, evidence, changes, code, subject: first.worker.node, hint };
  }
  const due = states.filter((state) => state.edits.length > 0).map(({ worker }) => worker.node);
  const left = failures.map(({ worker }) => worker.node);
  const summary = [
    ...(due.length === 0 ? [] : [`workers to rejoin: ${due.join(', ')}`]),
    ...(left.length === 0 ? [] : [`not changed: ${left.join(', ')}`]),
  ].join('; ');
  return { status: 'needed', summary, evidence, changes };
}

function toVerdict(ends: readonly End[]): Verdict {
  const lines = (pick: keyof End): readonly string[] => ends.flatMap((end) => end[pick] ?? []);
  const [bad, left, good] = [lines('bad'), lines('left'), lines('good')];
  if (bad.length > 0) {
    const reason = [...bad, ...left].join('; ');
    return { verified: false, reason, hint: 'check the kubelet log on the worker: journalctl -u kubelet -n 50' };
  }
  return { verified: true, evidence: good, ...(left.length === 0 ? {} : { warnings: left }) };
}

function describeFailure({ node }: Worker, failure: RecoveryError | undefined): string {
  const { message = '', code = '', hint } = failure ?? {};
  const text = message.startsWith(`${node}: `) ? message.slice(node.length + 2) : message;
  return `${node} is not joined: ${text} (${code})${hint === undefined ? '' : `; ${hint}`}`;
}

function isOf(change: Change, worker: Worker): boolean {
  return change.target.startsWith(`${worker.node}:`);
}
