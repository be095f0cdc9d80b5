import type { ManifestRow } from '@kube-rescue/static-manifests';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** The static pods of a node. */
export function renderManifests(rows: readonly ManifestRow[], terminal: Terminal): string {
  if (rows.length === 0) return 'no static pod manifests';
  return renderTable(
    {
      header: ['COMPONENT', 'PID', 'HEALTH', 'IMAGE'],
      rows: rows.map(({ component, running, health, image }) => {
        const state = health?.state ?? (running === undefined ? 'not running' : 'unknown');
        const colour = state === 'healthy' ? 'green' : state === 'unknown' ? undefined : 'red';
        return [component, running === undefined ? '-' : String(running.pid), { text: state, colour }, image];
      }),
      flexible: 3,
    },
    terminal,
  );
}
