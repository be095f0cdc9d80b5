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
  /** How long a restarted kubelet may take until its Node is Ready. Default: 180 s. */
  readonly readyTimeoutMs?: number | undefined;
  /** The step is no obstacle even when no worker at all can be joined; each is named as a warning. Default: false. */
  readonly mayFail?: boolean | undefined;
}

export interface JoinStepDeps {
  readonly objects: Pick<ObjectAccess, 'open'>;
  readonly openNode: OpenNode;
  readonly clock: Clock;
}

/** Id of the step; its warnings name the workers that were left as they are. */
export const JOIN_STEP: StepId = 'nodes/join';

interface JoinFinding extends Finding {
  readonly changes: readonly Change[];
}

/** What was seen of one worker: what it needs, or why it cannot be joined. */
interface Look {
  readonly worker: Worker;
  readonly edits: readonly Edit[];
  readonly evidence: readonly string[];
  readonly failure?: RecoveryError | undefined;
}

const READY_TIMEOUT_MS = 180_000;
const POLL_MS = 2000;
/** Connections and looks at a time. */
const AT_A_TIME = 8;

/**
 * Gives workers their files, restarts their kubelets and waits until their Nodes are Ready again.
 *
 * A worker that cannot be reached, is another machine than its Node, or fails midway keeps no other from its turn. One on
 * which nothing was written is named in a warning of the verdict; one that was changed and is not Ready makes it unverified.
 * Does not sign anything, and does not look whether a file's content is right.
 */
export function createJoinStep(input: JoinStepInput, deps: JoinStepDeps): Step<JoinFinding> {
  const { workers, requires = [], readyTimeoutMs = READY_TIMEOUT_MS, mayFail = false } = input;
  const { objects, openNode, clock } = deps;
  const planned = new Map<string, Edit>();
  const failed = new Map<string, RecoveryError>();
  const touched = new Set<string>();
  /** What each Node said last before its kubelet was restarted: its condition, which outlives the kubelet that wrote it. */
  const saidBefore = new Map<string, string | undefined>();

  const look = async (worker: Worker, store: ObjectStore, signal: AbortSignal): Promise<Look> => {
    const pulse = await readHeartbeat(store, worker.node, signal);
    return attempt(worker, async () => {
      const host = await openNode(worker.access);
      assertSameMachine(worker.node, pulse.node, host);
      const { edits, evidence } = await compareFiles(worker, host);
      const service = await host.services.status(worker.kubeletService);
      const isAlive = service !== 'stopped' && service !== 'starting' && isReadyNow(pulse, clock.now());
      if (edits.length === 0 && isAlive) return { worker, edits: [], evidence: [] };
      const seen = [...evidence, `${worker.node}: kubelet ${service}, ${describeHeartbeat(pulse)}`];
      return { worker, edits: [...edits, kubeletRestart(worker)], evidence: seen };
    });
  };

  const lookAtAll = async (signal: AbortSignal): Promise<readonly Look[]> => {
    const store = await objects.open(signal);
    return mapConcurrent(workers, AT_A_TIME, (worker) => look(worker, store, signal));
  };

  return {
    id: JOIN_STEP,
    title: 'bring the workers back',
    requires,
    reversible: 'no',
    check: async (signal) => {
      try {
        return toFinding(await lookAtAll(signal), mayFail, planned);
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
          const { readiness } = await readHeartbeat(await objects.open(signal), worker.node, signal);
          saidBefore.set(worker.node, readiness.reportedAt);
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
        const seen = await attempt(worker, async () => {
          const { edits } = await compareFiles(worker, await openNode(worker.access));
          return { worker, edits, evidence: [] };
        });
        const failure = failed.get(worker.node) ?? seen.failure;
        if (failure !== undefined) {
          // On one that was left alone from the start nothing can have gone wrong.
          return { [touched.has(worker.node) ? 'bad' : 'left']: describeFailure(worker, failure) };
        }
        if (seen.edits.length > 0) return { bad: `${worker.node}: its files are not those that were written` };
        const pulse = await waitForReady(worker, store, deadline, signal);
        const told = `${worker.node}: ${describeHeartbeat(pulse)}`;
        return isBack(worker.node, pulse) ? { good: told } : { bad: told };
      });
      return toVerdict(ends);
    },
  };

  /** A Lease is renewed by a kubelet that is not yet ready, so a restarted one must have said so itself. */
  function isBack(node: string, pulse: NodeHeartbeat): boolean {
    const isNews = !touched.has(node) || pulse.readiness.reportedAt !== saidBefore.get(node);
    return isNews && isReadyNow(pulse, clock.now());
  }

  async function waitForReady(
    { node }: Worker,
    store: ObjectStore,
    deadline: number,
    signal: AbortSignal,
  ): Promise<NodeHeartbeat> {
    for (;;) {
      const pulse = await readHeartbeat(store, node, signal);
      if (isBack(node, pulse) || clock.now().getTime() >= deadline) return pulse;
      await clock.sleep(POLL_MS, signal);
    }
  }
}

interface End {
  readonly good?: string;
  /** Nothing was written there. */
  readonly left?: string;
  readonly bad?: string;
}

async function attempt(worker: Worker, action: () => Promise<Look>): Promise<Look> {
  try {
    return await action();
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return { worker, edits: [], evidence: [], failure: error };
  }
}

function toFinding(looks: readonly Look[], mayFail: boolean, planned: Map<string, Edit>): JoinFinding {
  const failures = looks.filter((look) => look.failure !== undefined);
  const edits = looks.flatMap((look) => look.edits);
  const changes = edits.map(({ change }) => change);
  const evidence = [
    ...looks.flatMap((look) => look.evidence),
    ...failures.map(({ worker, failure }) => describeFailure(worker, failure)),
  ];
  planned.clear();
  for (const edit of edits) planned.set(edit.change.target, edit);
  if (edits.length === 0 && failures.length === 0) {
    return { status: 'ok', summary: 'every worker is in its cluster', evidence, changes };
  }
  const [first] = failures;
  if (edits.length === 0 && !mayFail && first?.failure !== undefined) {
    const { code, hint } = first.failure;
    const summary = failures
      .flatMap(({ worker, failure }) => (failure === undefined ? [] : [workerFailed(worker.node, failure).message]))
      .join('; ');
    return { status: 'blocked', summary, evidence, changes, code, subject: first.worker.node, hint };
  }
  const due = looks.filter((look) => look.edits.length > 0).map(({ worker }) => worker.node);
  const left = failures.map(({ worker }) => worker.node);
  const summary = [
    ...(due.length === 0 ? [] : [`to be brought back: ${due.join(', ')}`]),
    ...(left.length === 0 ? [] : [`left as they are: ${left.join(', ')}`]),
  ].join('; ');
  return { status: 'needed', summary, evidence, changes };
}

function toVerdict(ends: readonly End[]): Verdict {
  const lines = (pick: keyof End): readonly string[] => ends.flatMap((end) => end[pick] ?? []);
  const [bad, left, good] = [lines('bad'), lines('left'), lines('good')];
  if (bad.length > 0) {
    const reason = [...bad, ...left].join('; ');
    return { verified: false, reason, hint: 'look at the log of the kubelet there: journalctl -u kubelet -n 50' };
  }
  return { verified: true, evidence: good, ...(left.length === 0 ? {} : { warnings: left }) };
}

function describeFailure({ node }: Worker, failure: RecoveryError | undefined): string {
  const { message = '', code = '', hint } = failure ?? {};
  const told = message.startsWith(`${node}: `) ? message.slice(node.length + 2) : message;
  return `${node} is not joined: ${told} (${code})${hint === undefined ? '' : `; ${hint}`}`;
}

function isOf(change: Change, worker: Worker): boolean {
  return change.target.startsWith(`${worker.node}:`);
}
