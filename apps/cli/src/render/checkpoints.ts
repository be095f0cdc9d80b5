import type { CheckpointListing } from '@kube-rescue/diagnosis';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { count, indentText } from './text.ts';

/** Checkpointed pods of a node and their problems; empty without a checkpointer. */
export function renderCheckpoints(listing: CheckpointListing, terminal: Terminal): readonly string[] {
  const { checkpoints, problems, unread, kubeconfigWriters } = listing;
  const rows = checkpoints.map(({ component, state, name, cached, stale }) => {
    const missing = cached.filter((object) => object.missing).length;
    const verdict = stale === null ? 'unknown' : stale.length === 0 ? 'current' : `${stale.length} stale`;
    const colour = missing > 0 || (stale?.length ?? 0) > 0 ? 'red' : stale === null ? undefined : 'green';
    const text = missing > 0 ? `${missing} missing` : verdict;
    return [component, state, String(cached.length), { text, colour } as const, name];
  });
  const table = renderTable(
    { header: ['CHECKPOINT', 'STATE', 'CACHED', 'CONTENT', 'PARENT'], rows, flexible: 4 },
    terminal,
  );
  const lines = [
    ...(unread === null ? [] : [indentText('not compared: ', unread, terminal.columns)]),
    ...problems.map((problem) => indentText('problem: ', problem, terminal.columns)),
    ...kubeconfigWriters.map(({ evidence }) => indentText('overwrites the kubeconfig: ', evidence, terminal.columns)),
  ];
  const blocks = checkpoints.length === 0 ? [] : [`${count(checkpoints.length, 'checkpointed pod')}\n${table}`];
  return lines.length === 0 ? blocks : [...blocks, lines.join('\n')];
}
