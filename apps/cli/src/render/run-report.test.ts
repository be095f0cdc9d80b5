import { deriveRunReport, type JournalRecord } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { summarizeRun } from '../report/run-summary.ts';
import { renderRunReport } from './run-report.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 10, 22, 12, 0, second)).toISOString();
const undo = { captured: null };

function rescue(seq: number, kind: string, name: string): JournalRecord {
  return { type: 'intent', seq, step: 'pods/rescue', change: { kind, target: `Pod kube-system/${name}` }, ...undo };
}

const RECORDS: readonly JournalRecord[] = [
  { type: 'run', version: 1, id: 'r', playbook: 'recovery', host: 'cp1', at: at(0), resumeCommand: 'recover --resume' },
  {
    type: 'finding',
    step: 'pki/renew/apiserver',
    phase: 'node-files',
    title: 'renew the API server serving certificate',
    status: 'needed',
    summary: 'it expired',
    evidence: ['/etc/kubernetes/pki/apiserver.crt: notAfter 2026-11-21'],
    at: at(1),
  },
  { type: 'step', step: 'pki/renew/apiserver', at: at(1) },
  {
    type: 'intent',
    seq: 0,
    step: 'pki/renew/apiserver',
    change: { kind: 'file.replace', target: '/etc/kubernetes/pki/apiserver.crt' },
    ...undo,
  },
  { type: 'applied', step: 'pki/renew/apiserver', at: at(2) },
  {
    type: 'verified',
    step: 'pki/renew/apiserver',
    at: at(3),
    evidence: ['serial 7 is presented'],
    warnings: ['node03 is not joined'],
  },
  rescue(1, 'object.create', 'scheduler-rescue'),
  rescue(2, 'object.create', 'dns-rescue'),
  rescue(3, 'object.delete', 'scheduler-rescue'),
  { type: 'end', outcome: 'done', at: at(9) },
];

function report(records: readonly JournalRecord[]) {
  return summarizeRun(deriveRunReport(records, 'r', ({ kind, target }) => `${kind} ${target}`));
}

describe('the report of a run', () => {
  it('lists findings, changes and open work', () => {
    const text = renderRunReport(report(RECORDS));
    expect(text).toContain(
      '- **renew the API server serving certificate** (`pki/renew/apiserver`): it expired\n  - /etc/kubernetes/pki/apiserver.crt: notAfter 2026-11-21',
    );
    expect(text).toContain('| 1 | `pki/renew/apiserver` | file.replace /etc/kubernetes/pki/apiserver.crt | active |');
    expect(text).toContain('## Temporary objects, removed\n\n- Pod kube-system/scheduler-rescue\n');
    expect(text).toContain('## Created objects\n\n- Pod kube-system/dns-rescue\n');
    expect(text).toContain('  - serial 7 is presented');
    expect(text).toContain('## Open work\n\n- node03 is not joined\n');
    expect(text).toContain('- Started: 2026-11-22 12:00:00 UTC\n- Ended: 2026-11-22 12:00:09 UTC (9.0 s)\n');
    expect(text).toContain('| 9.0 s | run ended: done |');
  });

  it('names the next step of an interrupted run, and its missing steps', () => {
    const { outcome, remaining } = report(RECORDS.slice(0, 3));
    expect(outcome).toBeUndefined();
    expect(remaining[0]).toBe(
      'the run was interrupted: resume it (`kube-rescue recover --resume`) or roll it back (`kube-rescue rollback r`)',
    );
    expect(remaining[1]).toBe('not applied: renew the API server serving certificate: it expired');
  });

  it('lists rolled back changes, and those changed by another process', () => {
    const back: readonly JournalRecord[] = [
      ...RECORDS,
      { type: 'undone', seq: 0, outcome: { state: 'undone' }, at: at(10) },
      { type: 'undone', seq: 2, outcome: { state: 'foreign', reason: 'another pod' }, at: at(11) },
      { type: 'end', outcome: 'rollback-incomplete', at: at(12), reason: 'the disk | is full' },
    ];
    const { changes, remaining, outcome } = report(back);
    expect([outcome, ...changes.map(({ state }) => state)]).toEqual([
      'rollback-incomplete',
      'rolled-back',
      'active',
      'not-reverted',
      'active',
    ]);
    expect(remaining.join('\n')).toContain('not rolled back: object.create Pod kube-system/dns-rescue: another pod');
  });

  it('reads a journal that has no findings yet', () => {
    const old = RECORDS.filter(({ type }) => type !== 'finding').map((record) =>
      record.type === 'verified' ? { type: record.type, step: record.step, at: record.at } : record,
    );
    const { steps } = report(old);
    expect(steps).toMatchObject([{ step: 'pki/renew/apiserver', result: 'verified' }]);
    expect(renderRunReport(report(old))).toContain('None in the journal.');
  });

  it('lets no name become markup, a cell of its own or an escape sequence', () => {
    const [header] = RECORDS;
    const change = { kind: 'file.replace', target: 'x | y\n# z ![a](http://b) \u001b[31m <script>' };
    const text = renderRunReport(
      report([header as JournalRecord, { type: 'intent', seq: 0, step: 'a`b', change, ...undo }]),
    );
    expect(text).toContain(String.raw`| file.replace x \| y \# z \!\[a\](http://b) \\x1b\[31m \<script\> | active |`);
    expect(text).not.toContain('\u001b');
  });
});
