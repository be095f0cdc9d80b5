import { describe, expect, it } from 'vitest';
import { WorkflowError } from '../errors.ts';
import { deriveRunState } from '../run/run-state.ts';
import { CHAIN_START, createChainReader, encodeRecords } from './journal-chain.ts';
import type { JournalRecord } from './journal-record.ts';

const AT = '2026-11-22T12:00:00Z';
const header: JournalRecord = { type: 'run', version: 2, id: 'r', number: 1, playbook: 'p', host: 'h', at: AT };
const change = { kind: 'file.remove', target: '/a', before: 'absent' };
const intent: JournalRecord = { type: 'intent', seq: 0, step: 's', change, captured: null };
const applied: JournalRecord = { type: 'applied', step: 's', at: AT };
const end: JournalRecord = { type: 'end', outcome: 'done', at: AT };

function linesOf(...records: readonly object[]): readonly string[] {
  return Buffer.from(encodeRecords(records as readonly JournalRecord[], CHAIN_START).data)
    .toString()
    .split('\n')
    .slice(0, -1);
}

function read(lines: readonly string[]): readonly JournalRecord[] {
  const reader = createChainReader('journal');
  return lines.map((line) => reader.read(Buffer.from(line)));
}

function codeOf(lines: readonly string[]): string {
  try {
    read(lines);
    return 'accepted';
  } catch (error) {
    return error instanceof WorkflowError ? error.code : 'a bug';
  }
}

describe('a chained journal', () => {
  const lines = linesOf(header, intent, applied, end);

  it('is read as it was written', () => {
    expect(read(lines)).toEqual([header, intent, applied, end]);
  });

  it('reports a lost line, in the middle and at the start', () => {
    expect(codeOf(lines.toSpliced(1, 1))).toBe('JOURNAL_LOST');
    expect(codeOf(lines.toSpliced(2, 1))).toBe('JOURNAL_LOST');
    expect(codeOf(lines.toSpliced(0, 1))).toBe('JOURNAL_LOST');
  });

  it('reports a repeated line, and lines out of order', () => {
    expect(codeOf(lines.toSpliced(1, 0, ...lines.slice(1, 2)))).toBe('JOURNAL_CORRUPT');
    expect(codeOf([...lines.slice(0, 1), ...lines.slice(1, 3).toReversed(), ...lines.slice(3)])).toBe('JOURNAL_LOST');
  });

  it('reports an edited line at the line that follows it', () => {
    expect(codeOf(lines.with(1, String(lines[1]).replace('"/a"', '"/b"')))).toBe('JOURNAL_CORRUPT');
    expect(codeOf(lines.with(0, String(lines[0]).replace('"h"', '"other"')))).toBe('JOURNAL_CORRUPT');
  });

  it('reports a line that is not a record, with a hint that unblocks other runs', () => {
    const garbage = (): unknown => read(lines.with(1, 'garbage'));
    const hint = expect.stringContaining('move the directory of this run away') as string;
    expect(garbage).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT', hint }));
  });

  it('reports a second header, and a line without its number', () => {
    expect(codeOf(linesOf(header, header))).toBe('JOURNAL_CORRUPT');
    expect(codeOf([...lines, JSON.stringify(end)])).toBe('JOURNAL_CORRUPT');
  });
});

describe('a journal of a later version', () => {
  it('is refused with the version that wrote it', () => {
    const later = linesOf({ ...header, version: 99, tool: '7.1.0' });
    const reading = (): unknown => read(later);
    expect(reading).toThrow(
      expect.objectContaining({ code: 'JOURNAL_NEWER', hint: expect.stringContaining('kube-rescue 7.1.0') as string }),
    );
    expect(reading).toThrow('the journal has version 99');
  });

  it.each([
    ['a record of another type', { type: 'undone-unit', seqs: [0] }],
    ['another outcome of a run', { ...end, outcome: 'paused' }],
    ['another outcome of an undo', { type: 'undone', seq: 0, outcome: { state: 'merged' }, at: AT }],
  ])('is refused at %s', (_, record) => {
    expect(codeOf(linesOf(header, intent, record))).toBe('JOURNAL_NEWER');
    // In version 1 as well: nothing may be passed over.
    const version1 = [{ ...header, version: 1 }, intent, record].map((each) => JSON.stringify(each));
    expect(codeOf(version1)).toBe('JOURNAL_NEWER');
  });

  it.each([0, -1, 1.5, '2', null, undefined])('has a whole number as its version, not %s', (version) => {
    expect(codeOf(linesOf({ ...header, version }))).toBe(
      Number.isInteger(version) ? 'JOURNAL_NEWER' : 'JOURNAL_CORRUPT',
    );
  });
});

describe('a record', () => {
  it.each([
    { ...intent, seq: '0' },
    { ...intent, seq: -1 },
    { ...intent, change: undefined },
    { ...intent, change: { kind: 'file.remove' } },
    { ...intent, captured: undefined },
    { ...applied, step: 7 },
    { ...end, at: 'yesterday' },
    { type: 'undone', seq: 0, outcome: { state: 'foreign' }, at: AT },
    { type: 'undone', seq: 0, at: AT },
    { type: 'verified', step: 's', at: AT, evidence: [1] },
    { type: 'toString' },
    { type: null },
  ])('is refused when malformed: %j', (record) => {
    expect(codeOf(linesOf(header, record))).toMatch(record.type === 'toString' ? 'JOURNAL_NEWER' : 'JOURNAL_CORRUPT');
  });
});

describe('a journal of version 1', () => {
  const lines = [{ ...header, version: 1 }, intent, applied].map((record) => JSON.stringify(record));

  it('is read without a chain, and continued with one', () => {
    const reader = createChainReader('journal');
    for (const line of lines) reader.read(Buffer.from(line));
    const [added = ''] = Buffer.from(encodeRecords([end], reader.position()).data)
      .toString()
      .split('\n');
    expect(read([...lines, added])).toHaveLength(4);
    expect(codeOf([...lines.slice(0, 2), added])).toBe('JOURNAL_LOST');
    expect(codeOf([...lines, added, JSON.stringify(end)])).toBe('JOURNAL_CORRUPT');
  });
});

describe('the state of a run', () => {
  it('distinguishes an interrupted step from an applied one', () => {
    expect(deriveRunState([header, intent], 'r').unfinished).toEqual([intent]);
    const state = deriveRunState([header, intent, applied], 'r');
    expect(state.unfinished).toEqual([]);
    expect(state.activeChanges).toEqual([intent]);
    expect([...state.unverified]).toEqual(['s']);
  });
});
