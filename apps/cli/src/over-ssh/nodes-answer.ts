import { type ErrorCode, RecoveryError } from '@kube-rescue/errors';
import type { Answer } from '../base-command.ts';
import { EXIT } from '../exit-codes.ts';
import { renderEnding } from '../render/causes.ts';
import { renderTable } from '../render/table.ts';
import { formatSeconds } from '../render/text.ts';
import { exitOf, type NodeResult } from './nodes-run.ts';

/** A recovery of several nodes, as data. */
export interface NodesRunResult {
  /** For `rollback`, on this machine; `null`: nothing was begun. */
  readonly runId: string | null;
  readonly order: 'side-by-side' | 'one-by-one';
  readonly outcome: 'done' | 'nothing-to-do' | 'waiting' | 'failed';
  readonly seconds: number;
  /** In the order of their recovery. */
  readonly nodes: readonly NodeResult[];
  readonly steps?: undefined;
}

export interface NodesRunAnswerInput {
  readonly id: string | null;
  readonly order: NodesRunResult['order'];
  readonly results: readonly NodeResult[];
  readonly seconds: number;
  /** This command line, to resume it. */
  readonly typed: string | undefined;
}

/** The answer of a recovery: done only when every node is. */
export function answerNodesRun({ id, order, results, seconds, typed }: NodesRunAnswerInput): Answer<NodesRunResult> {
  const exitCode = exitOf(results);
  const outcome = outcomeOf(results);
  const isDone = exitCode === EXIT.done;
  const resume = `${typed ?? 'recover'}${typed?.includes('--resume') === true ? '' : ' --resume'}`;
  const next = isDone
    ? null
    : { command: resume, text: 'resumes what was interrupted or waits, once the cause is fixed' };
  return {
    result: { runId: id, order, outcome, seconds, nodes: results },
    exitCode,
    text: (terminal) => {
      const table = renderTable(
        {
          header: ['NODE', 'RESULT', 'TOOK', 'RUN', 'WHY'],
          rows: results.map((each) => [
            each.name,
            each.outcome,
            formatSeconds(each.seconds),
            each.runId ?? '-',
            each.message === null ? '' : `${each.message} (${each.code ?? ''})`,
          ]),
        },
        terminal,
      );
      const undo = id === null ? [] : [`roll back with: kube-rescue rollback ${id}`];
      return [table, ...undo, ...renderEnding(stateOf(results, seconds), { next }, terminal)].join('\n');
    },
    failure: isDone ? undefined : failureOf(results, resume),
  };
}

/** Done only when every node is. Pure. */
export function outcomeOf(results: readonly NodeResult[]): NodesRunResult['outcome'] {
  if (results.some(({ outcome }) => outcome === 'failed')) return 'failed';
  if (exitOf(results) !== EXIT.done) return 'waiting';
  return results.every(({ outcome }) => outcome === 'nothing-to-do') ? 'nothing-to-do' : 'done';
}

function stateOf(results: readonly NodeResult[], seconds: number): string {
  const done = results.filter((each) => each.outcome === 'done' || each.outcome === 'nothing-to-do').length;
  const state = done === results.length ? 'done' : 'NOT done';
  return `${state}: ${done} of ${results.length} nodes recovered, ${formatSeconds(seconds)}`;
}

/** The code of the first node that failed, with the reasons of all. */
function failureOf(results: readonly NodeResult[], resume: string): RecoveryError {
  const open = results.filter(({ outcome }) => outcome !== 'done' && outcome !== 'nothing-to-do');
  const first = results.find(({ outcome }) => outcome === 'failed') ?? open[0];
  const code = (first?.code ?? 'WAITING_FOR_OTHERS') as ErrorCode;
  const done = results.length - open.length;
  return new RecoveryError(
    {
      code,
      message: `${done} of ${results.length} nodes are recovered`,
      reasons: open.map(({ name, outcome, message }) => `${name}: ${message ?? outcome}`),
      subject: open.map(({ name }) => name).join(', '),
      hint: `${first?.hint ?? 'fix the cause'}; or from here: \`kube-rescue ${resume}\``,
    },
    { [code]: 'failed' } as Readonly<Record<ErrorCode, 'failed'>>,
  );
}
