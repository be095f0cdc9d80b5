import type { ManifestRow } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** The static pods of a node. */
export function renderManifests(rows: readonly ManifestRow[], terminal: Terminal): string {
  if (rows.length === 0) return 'no static pod manifests';
  const yes = (value: boolean | undefined): string => (value === undefined ? '-' : value ? 'yes' : 'NO');
  return renderTable(
    {
      header: ['COMPONENT', 'RUNNING', 'PID', 'HEALTHY', 'IMAGE', 'PATH'],
      rows: rows.map(({ component, running, pid, healthy, image, path }) => {
        return [component, yes(running), pid === undefined ? '-' : String(pid), yes(healthy), image, path];
      }),
      flexible: 4,
    },
    terminal,
  );
}
