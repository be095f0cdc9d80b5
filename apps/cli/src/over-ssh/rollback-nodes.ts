import { type ErrorCode, RecoveryError } from '@kube-rescue/errors';
import { hostPath, type HostPath } from '@kube-rescue/host';
import type { Answer } from '../base-command.ts';
import { ask, assertCanConfirm, isOnTerminal } from '../confirmation.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { renderTable } from '../render/table.ts';
import { type Session, stateDirectory } from '../wiring.ts';
import { carryProgram, findProgramFile } from './carried-file.ts';
import { listNodeRuns } from './node-inspection.ts';
import { newNodesId, type NodesRecord, readRecord, writeRecord } from './nodes-record.ts';
import { holdingNodes, recordFiles } from './held-nodes.ts';
import { onEach, type RemoteNode } from './remote-node.ts';
import { followRun, startRun } from './remote-run.ts';
import { removeCas } from './shared-cas.ts';

export interface RollBackNodesInput {
  /** Of `recover --nodes`. */
  readonly run: string;
  readonly program: string | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly force: boolean;
}

/** The rollback of a recovery of several nodes, as data. */
export interface NodesRollbackResult {
  readonly run: string;
  /** In the order of the rollback: the last recovered first. */
  readonly nodes: readonly NodeRollback[];
}

interface NodeRollback {
  readonly name: string;
  /** The runs of its journal, newest first. */
  readonly runs: readonly string[];
  /** `pending`: nothing was done there. */
  readonly outcome: 'rolled-back' | 'nothing-to-do' | 'pending' | 'failed';
  readonly code: string | null;
  readonly message: string | null;
}

const HINT = 'read the message, and run `kube-rescue runs` on that node';

/**
 * Rolls back what a recovery of several nodes has changed: node by node, the last recovered first, each by `rollback` there. Stops at
 * the first node that refuses or fails.
 *
 * @throws CliError `NODES_RUN_NOT_FOUND` `NODES_UNFIT` `NODES_BUSY` `PROGRAM_NOT_GIVEN` `CONFIRMATION_REQUIRED` `DECLINED`
 */
export async function rollBackNodes(input: RollBackNodesInput, session: Session): Promise<Answer<NodesRollbackResult>> {
  const directory = hostPath(`${stateDirectory(session.localFiles.host)}/nodes`);
  const record = await readRecord(input.run, directory, recordFiles(session));
  const program = await findProgramFile(input.program, session);
  const listed = record.nodes.toReversed();
  return holdingNodes(listed, `kube-rescue rollback ${record.id}`, session, async (nodes, lock) => {
    await lock();
    const id = newNodesId(session.clock);
    const paths = await onEach(
      nodes,
      (node) => carryProgram(node, program, { id, localFiles: session.localFiles }),
      HINT,
    );
    const works = await onEach(
      nodes.map((node, index) => ({ name: node.name, node, path: paths[index] ?? program.path })),
      ({ node, path }) => findWork(node, path, record),
      HINT,
    );
    const pending = works.map(({ node, runs }): NodeRollback => {
      return {
        name: node.name,
        runs,
        outcome: runs.length === 0 ? 'nothing-to-do' : 'pending',
        code: null,
        message: null,
      };
    });
    const isIdle = works.every(({ runs }) => runs.length === 0);
    if (input.dryRun || isIdle) return answer(record.id, pending, isIdle ? EXIT.done : EXIT.problems);
    assertCanConfirm({ yes: input.yes, hasTerminal: isOnTerminal(), command: session.typed('rollback') });
    session.reporter.print(`${render(pending, session.reporter.terminal)}\n`);
    if (!input.yes && !(await ask(`Roll back ${record.id} on these nodes?`, session.interruption.signal))) {
      throw new CliError({ code: 'DECLINED', message: 'aborted; nothing was changed' });
    }
    const results = await rollBackEach(works, { id, record, force: input.force }, session);
    const failed = results.find(({ result }) => result.outcome === 'failed');
    if (failed === undefined) {
      await writeRecord({ ...record, outcome: 'rolled-back' }, directory, recordFiles(session));
      if (record.cas !== undefined) await Promise.all(nodes.map((node) => removeCas(node, record.id, session)));
    }
    const nothingChanged = !results.some(({ result }) => result.outcome === 'rolled-back');
    const exitCode = failed === undefined ? EXIT.done : exitOfFailure(failed.exitCode, nothingChanged);
    return answer(
      record.id,
      results.map(({ result }) => result),
      exitCode,
    );
  });
}

interface RollbackWork {
  readonly node: RemoteNode;
  readonly runs: readonly string[];
}

/** The runs with active changes that began after the recovery of several nodes did, newest first. */
async function findWork(node: RemoteNode, path: HostPath, { nodes, nodeFlags }: NodesRecord): Promise<RollbackWork> {
  const before = nodes.find(({ name }) => name === node.name)?.newestRunBefore ?? 0;
  const rows = await listNodeRuns(node, path, nodeFlags);
  const own = rows.filter(({ number, changes }) => (number ?? 0) > before && (changes ?? 0) > 0);
  return { node, runs: own.map(({ id }) => id).toReversed() };
}

async function rollBackEach(
  works: readonly RollbackWork[],
  { id, record, force }: { readonly id: string; readonly record: NodesRecord; readonly force: boolean },
  session: Session,
): Promise<readonly { readonly result: NodeRollback; readonly exitCode: number }[]> {
  const results: { readonly result: NodeRollback; readonly exitCode: number }[] = [];
  for (const { node, runs } of works) {
    const hasFailed = results.some(({ result }) => result.outcome === 'failed');
    const idle = { name: node.name, runs, code: null, message: null };
    if (hasFailed || session.interruption.signal.aborted) {
      results.push({
        result: { ...idle, outcome: runs.length === 0 ? 'nothing-to-do' : 'pending' },
        exitCode: EXIT.done,
      });
      continue;
    }
    let result: NodeRollback = { ...idle, outcome: runs.length === 0 ? 'nothing-to-do' : 'rolled-back' };
    let exitCode: number = EXIT.done;
    for (const [index, run] of runs.entries()) {
      const print = (line: string): void => session.reporter.print(`${node.name}: ${line}`);
      const remote = { id, number: index + 1 };
      const flags = [...(force ? ['--force'] : []), '--yes', '--json', ...record.nodeFlags];
      await startRun(node, remote, ['rollback', run, ...flags]);
      const ended = await followRun(node, remote, { clock: session.clock, onLine: print, onNote: print });
      exitCode = ended.exitCode ?? EXIT.rollbackIncomplete;
      if (ended.envelope?.ok === true && exitCode === EXIT.done) continue;
      const error = ended.envelope?.ok === false ? ended.envelope.error : undefined;
      const message = error?.message ?? `it ended with ${ended.exitCode ?? 'no exit code'}: ${ended.lastLine}`;
      result = { ...idle, outcome: 'failed', code: error?.code ?? 'ROLLBACK_INCOMPLETE', message };
      break;
    }
    results.push({ result, exitCode });
  }
  return results;
}

/** A refusal of a later node comes after changes of an earlier one. */
function exitOfFailure(exitCode: number, nothingChanged: boolean): ExitCode {
  const known = Object.values(EXIT).find((each) => each === exitCode) ?? EXIT.rollbackIncomplete;
  return nothingChanged ? known : EXIT.rollbackIncomplete;
}

function answer(run: string, nodes: readonly NodeRollback[], exitCode: ExitCode): Answer<NodesRollbackResult> {
  const failed = nodes.find(({ outcome }) => outcome === 'failed');
  const code = (failed?.code ?? 'ROLLBACK_INCOMPLETE') as ErrorCode;
  const open = nodes.filter(({ outcome }) => outcome === 'failed' || outcome === 'pending');
  return {
    result: { run, nodes },
    exitCode,
    text: (terminal) => render(nodes, terminal),
    failure:
      failed === undefined
        ? undefined
        : new RecoveryError(
            {
              code,
              message: `not every node of ${run} was rolled back`,
              reasons: open.map(({ name, outcome, message }) => `${name}: ${message ?? outcome}`),
              subject: open.map(({ name }) => name).join(', '),
              hint: `fix the cause on ${failed.name}, then again: \`kube-rescue rollback ${run}\``,
            },
            { [code]: 'failed' } as Readonly<Record<ErrorCode, 'failed'>>,
          ),
  };
}

function render(nodes: readonly NodeRollback[], terminal: Parameters<typeof renderTable>[1]): string {
  return renderTable(
    {
      header: ['NODE', 'RESULT', 'RUNS', 'WHY'],
      rows: nodes.map(({ name, outcome, runs, message, code }) => [
        name,
        outcome,
        runs.join(', ') || '-',
        message === null ? '' : `${message} (${code ?? ''})`,
      ]),
    },
    terminal,
  );
}
