import type { Replacement } from '@kube-rescue/recovery';
import type { Terminal } from '../terminal.ts';
import { indentText } from './text.ts';

/** What brings a new control plane in. Each command is whole and on a line of its own: it is copied. */
export function renderReplacement({ steps }: Replacement, { columns }: Terminal): string {
  const lines = steps.flatMap(({ where, command }) => [indentText('# ', where, columns), command]);
  return [indentText('', 'to bring a new control plane in:', columns), ...lines].join('\n');
}
