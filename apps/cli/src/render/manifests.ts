import { formatTime } from '@kube-rescue/errors';
import type { ManifestRow } from '@kube-rescue/static-manifests';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** The static pods of a node. */
export function renderManifests(rows: readonly ManifestRow[], terminal: Terminal): string {
  if (rows.length === 0) return 'no static pod manifests';
  return renderTable(
    {
      header: ['COMPONENT', 'PID', 'HEALTH', 'IMAGE', ...(terminal.wide ? ['SINCE', 'POD', 'MANIFEST'] : [])],
      rows: rows.map(({ component, running, health, image, namespace, name, path }) => {
        const state = health?.state ?? (running === undefined ? 'not running' : 'unknown');
        const colour = state === 'healthy' ? 'green' : state === 'unknown' ? undefined : 'red';
        const since = running?.since === undefined ? '-' : formatTime(running.since);
        const more = terminal.wide ? [since, `${namespace}/${name}`, path] : [];
        return [component, running === undefined ? '-' : String(running.pid), { text: state, colour }, image, ...more];
      }),
      flexible: 3,
    },
    terminal,
  );
}
