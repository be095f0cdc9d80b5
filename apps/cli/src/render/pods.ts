import type { PodListing, PodRow } from '@kube-rescue/pod-bootstrap';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { indentText } from './text.ts';

/** Control-plane pods, and below them the reasons of failures. */
export function renderPods({ pods, missing }: PodListing, terminal: Terminal): string {
  const table = renderTable(
    {
      header: ['COMPONENT', 'STATE', 'NODE', 'POD', ...(terminal.wide ? ['CONTROLLER', 'CODE'] : [])],
      rows: pods.map((row) => [
        ...[row.component, stateOf(row), row.node ?? '-', row.pod ?? '-'],
        ...(terminal.wide ? [row.controller, row.code ?? '-'] : []),
      ]),
      flexible: 3,
    },
    terminal,
  );
  const reasons = pods.flatMap((row) => explain(row).map((line) => indentText('  ', line, terminal.columns)));
  const verdict = missing.length === 0 ? 'every component has a working pod' : `no working pod: ${missing.join(', ')}`;
  return [table, ...(reasons.length === 0 ? [] : ['', ...reasons]), '', verdict].join('\n');
}

function stateOf({ pod, working, ready, rescue }: PodRow): { text: string; colour: 'green' | 'red' | undefined } {
  const mark = rescue ? ' (rescue)' : '';
  if (working) return { text: `works${mark}`, colour: 'green' };
  // Another Ready pod waits for the leader's lock.
  if (ready) return { text: `ready${mark}`, colour: undefined };
  return { text: `${pod === undefined ? 'missing' : 'not ready'}${mark}`, colour: 'red' };
}

function explain({ component, controller, pod, code, reason, hint, ready }: PodRow): readonly string[] {
  if (code === undefined || reason === undefined) return [];
  const about = pod === undefined ? `${component} (${controller}): ${reason}` : `${pod} ${reason}`;
  return [ready ? about : `${about} (${code}); ${hint ?? ''}`];
}
