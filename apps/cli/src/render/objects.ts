import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';

/** Objects of one kind in a table, without their content. */
export function renderObjects(objects: readonly KubernetesObject[], kind: string, terminal: Terminal): string {
  if (objects.length === 0) return `no ${kind} found`;
  const hasData = objects.some(({ data }) => data !== undefined);
  const rows = objects.map(({ metadata, data }) => {
    const { namespace, name, creationTimestamp } = metadata;
    const keys = typeof data === 'object' && data !== null ? Object.keys(data).length : 0;
    return [namespace ?? '-', name, ...(hasData ? [String(keys)] : []), creationTimestamp ?? '-'];
  });
  return renderTable(
    { header: ['NAMESPACE', 'NAME', ...(hasData ? ['DATA'] : []), 'CREATED'], rows, flexible: 1 },
    terminal,
  );
}
