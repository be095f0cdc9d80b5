import type { DnsReport } from '@kube-rescue/ingress-dns';
import type { Terminal } from '../terminal.ts';
import { renderTable } from './table.ts';
import { oneLine } from './text.ts';

/** Whose keys they are, and which hosted zones they can see; the ids tell two zones of one name apart. Empty without either. */
export function renderAccount({ identity, zones }: DnsReport, terminal: Terminal): string {
  const owner = identity === undefined ? [] : [`account ${identity.account}`, oneLine(identity.arn)];
  if (identity === undefined && zones === undefined) return '';
  return [...owner, ...(zones === undefined ? [] : ['', renderZones(zones, terminal)]), '', ''].join('\n');
}

function renderZones(zones: NonNullable<DnsReport['zones']>, terminal: Terminal): string {
  if (zones.length === 0) return 'no hosted zones';
  return renderTable(
    {
      header: ['ZONE', 'NAME', 'KIND'],
      rows: zones.map(({ id, name, isPrivate }) => [id, name, isPrivate ? 'private' : 'public']),
      flexible: 1,
    },
    terminal,
  );
}
