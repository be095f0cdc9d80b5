import { formatTime } from '@kube-rescue/errors';
import type { InspectedNode } from '@kube-rescue/node-join';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentText, oneLine } from './text.ts';

const WIDE = ['ROLES', 'LAST HEARTBEAT', 'CERTIFICATE FROM'];

/** The nodes of a cluster, and their problems below. */
export function renderNodes(nodes: readonly InspectedNode[], terminal: Terminal): string {
  if (nodes.length === 0) return 'the cluster has no nodes';
  const table = renderTable(
    {
      header: ['NODE', 'STATE', 'KUBELET', 'EXPIRES', ...(terminal.wide ? WIDE : []), 'TAINTS'],
      rows: nodes.map((node) => [
        node.name,
        { text: stateOf(node), colour: node.isReadyNow ? 'green' : 'red' },
        node.kubeletVersion ?? 'unknown',
        node.client.source === 'unknown' ? 'unknown' : node.client.expiresAt.slice(0, 10),
        ...(terminal.wide ? [node.roles.join(', ') || 'none', reportedAt(node), node.client.source] : []),
        node.taints.join(', ') || 'none',
      ]),
      flexible: 0,
    },
    terminal,
  );
  const isSomeUnknown = nodes.some(({ client }) => client.source === 'unknown');
  const problems = nodes.flatMap(({ name, problems: each }) => {
    return each.map((problem) => indentText(`${oneLine(name)}: `, problem, terminal.columns));
  });
  const note = isSomeUnknown
    ? [
        indentText(
          '',
          'EXPIRES is unknown when only the node itself has the certificate; run `kube-rescue certs check` there',
          terminal.columns,
        ),
      ]
    : [];
  const below = [...problems, ...note];
  return below.length === 0 ? table : `${table}\n\n${below.join('\n')}`;
}

function reportedAt({ reportedAt: time }: InspectedNode): string {
  return time === undefined ? '-' : formatTime(new Date(time));
}

function stateOf({ isReadyNow, readiness }: InspectedNode): string {
  if (isReadyNow) return 'Ready';
  return readiness.status === 'True' ? 'stale' : readiness.status === 'Unknown' ? 'Unknown' : 'NotReady';
}
