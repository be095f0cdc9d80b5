import type { PodListing, PodRow } from '@kube-rescue/pod-bootstrap';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** The pods of the control plane. */
export function renderPods({ pods, missing }: PodListing, terminal: Terminal): string {
  const table = renderTable(
    {
      header: ['COMPONENT', 'POD', 'NODE', 'STATE', 'MADE BY', 'REASON'],
      rows: pods.map((row) => {
        const { component, pod, node, controller } = row;
        return [component, pod ?? '-', node ?? '-', stateOf(row), controller, reasonOf(row)];
      }),
      flexible: 4,
    },
    terminal,
  );
  const verdict =
    missing.length === 0 ? 'each of them has a pod that works' : `no pod that works: ${missing.join(', ')}`;
  return `${table}\n\n${verdict}`;
}

function stateOf({ pod, working, ready, rescue }: PodRow): { text: string; colour: 'green' | 'red' | undefined } {
  const mark = rescue ? ' (rescue)' : '';
  if (working) return { text: `works${mark}`, colour: 'green' };
  // A second copy that is Ready waits for the lock of the one that leads.
  if (ready) return { text: `ready${mark}`, colour: undefined };
  return { text: `${pod === undefined ? 'missing' : 'not ready'}${mark}`, colour: 'red' };
}

function reasonOf({ code, reason, hint, ready }: PodRow): string {
  if (code === undefined || reason === undefined) return '-';
  return ready ? reason : `${reason} (${code}); ${hint ?? ''}`;
}
