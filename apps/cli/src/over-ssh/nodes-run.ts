import { isRecoveryError } from '@kube-rescue/errors';
import type { RecoveryTimes } from '@kube-rescue/recovery';
import type { RunAnswer } from '../run-answer.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Session } from '../wiring.ts';
import type { RemoteNode } from './remote-node.ts';
import { followRun, interruptRun, type RemoteAnswer, type RemoteRun, startRun } from './remote-run.ts';

/** What is to be done on a node. */
export interface NodeWork {
  readonly node: RemoteNode;
  /** `none`: it is up to date. */
  readonly action: 'recover' | 'resume' | 'attach' | 'none';
  /** The run to attach to. */
  readonly running?: RemoteRun | undefined;
}

/** How a node has ended. */
export interface NodeResult {
  readonly name: string;
  /** `waiting`: its part is done, and members of etcd do not answer; `not-started`: another node failed before. */
  readonly outcome: 'done' | 'nothing-to-do' | 'waiting' | 'failed' | 'not-started';
  /** Of its own journal; `null` where the command does not name it. */
  readonly runId: string | null;
  readonly exitCode: number | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly hint: string | null;
  readonly seconds: number;
  /** How long people waited for what. */
  readonly times: RecoveryTimes | null;
}

export interface NodesRunInput {
  readonly id: string;
  readonly works: readonly NodeWork[];
  readonly order: 'side-by-side' | 'one-by-one';
  readonly recoverFlags: readonly string[];
  readonly nodeFlags: readonly string[];
  /** Called before each start; throws when another process has begun to recover these nodes. */
  readonly assertLocked: () => Promise<void>;
}

type RunSession = Pick<Session, 'clock' | 'reporter' | 'interruption'>;

/**
 * Runs `recover` on each node, and resumes what waited for the others. Ctrl-C is passed on to the nodes, whose runs stop at their next
 * safe point.
 */
export async function runNodes(input: NodesRunInput, session: RunSession): Promise<readonly NodeResult[]> {
  const { works, order } = input;
  const execution = createExecution(input, session);
  const results = new Map<string, NodeResult>();
  const isDone = (name: string): boolean => ['done', 'nothing-to-do'].includes(results.get(name)?.outcome ?? '');
  const round = async (these: readonly NodeWork[]): Promise<void> => {
    if (order === 'side-by-side') {
      await Promise.all(these.map(async (work) => void results.set(work.node.name, await execution.perform(work))));
      return;
    }
    for (const work of these) {
      const hasFailed = [...results.values()].some(({ outcome }) => outcome === 'failed');
      const isOver = hasFailed || session.interruption.signal.aborted;
      results.set(work.node.name, isOver ? notStarted(work) : await execution.perform(work));
    }
  };
  try {
    await round(works);
    for (;;) {
      const done = works.filter(({ node }) => isDone(node.name)).length;
      const waiting = works.filter(({ node }) => results.get(node.name)?.outcome === 'waiting');
      const rest = works.length - done - waiting.length;
      if (waiting.length === 0 || rest > 0 || session.interruption.signal.aborted) break;
      await round(waiting.map(({ node }): NodeWork => ({ node, action: 'resume' })));
      const now = works.filter(({ node }) => isDone(node.name)).length;
      if (now === done) break;
    }
  } finally {
    execution.close();
  }
  return works.flatMap(({ node }) => results.get(node.name) ?? []);
}

interface Execution {
  perform(work: NodeWork): Promise<NodeResult>;
  close(): void;
}

function createExecution(input: NodesRunInput, { clock, reporter, interruption }: RunSession): Execution {
  const { id, recoverFlags, nodeFlags, assertLocked } = input;
  const active = new Map<string, { readonly node: RemoteNode; readonly run: RemoteRun }>();
  const numbers = new Map<string, number>();
  const passOn = (): void => {
    const names = [...active.keys()];
    if (names.length > 0) reporter.print(`passed on to ${names.join(', ')}; waiting for each to stop at a safe point`);
    for (const { node, run } of active.values()) {
      interruptRun(node, run).catch((error: unknown) => {
        const why = isRecoveryError(error) ? error.message : String(error);
        reporter.warn(`${node.name}: the interruption could not be passed on: ${why}`);
      });
    }
  };
  interruption.signal.addEventListener('abort', passOn, { once: true });
  const perform = async ({ node, action, running }: NodeWork): Promise<NodeResult> => {
    const { name } = node;
    if (action === 'none') return upToDate(name);
    const started = clock.now().getTime();
    const print = (line: string): void => reporter.print(`${name}: ${line}`);
    const number = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, number);
    const run = running ?? { id, number };
    try {
      if (running === undefined) {
        await assertLocked();
        const flags = action === 'resume' ? ['--resume'] : recoverFlags;
        await startRun(node, run, ['recover', ...flags, '--yes', '--json', ...nodeFlags]);
      }
      active.set(name, { node, run });
      // Between the two lines above no signal is passed on.
      if (interruption.signal.aborted) await interruptRun(node, run);
      print(
        running === undefined
          ? `started: recover${action === 'resume' ? ' --resume' : ''}`
          : 'a run goes on there; following it',
      );
      const answer = await followRun(node, run, { clock, onLine: print, onNote: print });
      const result = resultOf(name, answer, (clock.now().getTime() - started) / 1000);
      print(result.outcome);
      return result;
    } catch (error) {
      if (!isRecoveryError(error)) throw error;
      const { code, message, hint = null } = error;
      print(`${message} (${code})`);
      return { ...empty(name), outcome: 'failed', exitCode: EXIT.notVerified, code, message, hint };
    } finally {
      active.delete(name);
    }
  };
  return { perform, close: () => interruption.signal.removeEventListener('abort', passOn) };
}

/** The result of a node on which nothing is to be done. */
export function upToDate(name: string): NodeResult {
  return { ...empty(name), outcome: 'nothing-to-do', exitCode: EXIT.done };
}

function notStarted({ node, action }: NodeWork): NodeResult {
  return action === 'none' ? upToDate(node.name) : { ...empty(node.name), outcome: 'not-started' };
}

function empty(name: string): Omit<NodeResult, 'outcome'> {
  return { name, runId: null, exitCode: null, code: null, message: null, hint: null, seconds: 0, times: null };
}

const KILLED = 'it was killed there, or the machine was restarted; its changes are active';

function resultOf(name: string, { exitCode, envelope, lastLine }: RemoteAnswer, seconds: number): NodeResult {
  const known = { ...empty(name), exitCode: exitCode ?? null, seconds };
  if (envelope === undefined) {
    const wasKilled = exitCode === undefined || exitCode > EXIT.interrupted;
    const code = wasKilled ? 'RUN_CUT_OFF' : 'BUG';
    return {
      ...known,
      outcome: 'failed',
      exitCode: wasKilled ? EXIT.rollbackIncomplete : (exitCode ?? null),
      code,
      message: wasKilled ? KILLED : `it ended with ${exitCode} and no answer: ${lastLine}`,
      hint: 'resume it with --resume',
    };
  }
  if (envelope.ok) {
    const { outcome, runId, times = null } = envelope.result as RunAnswer;
    return { ...known, outcome: outcome === 'done' ? 'done' : 'nothing-to-do', runId, times };
  }
  const { code, message, hint } = envelope.error;
  return { ...known, outcome: code === 'WAITING_FOR_OTHERS' ? 'waiting' : 'failed', code, message, hint };
}

/** The exit code of a recovery of several nodes: that of the first that failed; `7` while one waits. */
export function exitOf(results: readonly NodeResult[]): ExitCode {
  const failed = results.find(({ outcome }) => outcome === 'failed');
  if (failed !== undefined) {
    const known = Object.values(EXIT).find((each) => each === failed.exitCode);
    return known === undefined || known === EXIT.done ? EXIT.notVerified : known;
  }
  return results.every(({ outcome }) => outcome === 'done' || outcome === 'nothing-to-do')
    ? EXIT.done
    : EXIT.notVerified;
}
