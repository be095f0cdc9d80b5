import { WorkflowError } from '../errors.ts';
import { describe, expect, it } from 'vitest';
import { decodeJournal, encodeRecord, type JournalRecord } from './journal-record.ts';
import { deriveRunState } from '../run/run-state.ts';

const header: JournalRecord = {
  type: 'run',
  version: 1,
  id: 'r',
  playbook: 'p',
  host: 'h',
  at: '2026-11-22T12:00:00Z',
};
const change = { kind: 'file.remove', target: '/a', before: 'absent' };
const intent: JournalRecord = { type: 'intent', seq: 0, step: 's', change, captured: null };

function textOf(...records: readonly JournalRecord[]): string {
  return Buffer.concat(records.map(encodeRecord)).toString();
}

describe('a journal', () => {
  it('is read without a torn last line, wherever it is torn', () => {
    const whole = textOf(header, intent);
    const first = textOf(header);
    for (let length = first.length; length < whole.length; length += 1) {
      expect(decodeJournal(whole.slice(0, length), 'journal')).toEqual([header]);
    }
    expect(decodeJournal(whole, 'journal')).toEqual([header, intent]);
  });

  it('is refused when a line in the middle is not a record', () => {
    const text = `${textOf(header)}garbage\n${textOf(intent)}`;
    expect(() => decodeJournal(text, 'journal')).toThrow(WorkflowError);
    // An unreadable journal blocks every other run, so the hint must unblock it.
    const hint = expect.stringContaining('move the directory of this run away') as string;
    expect(() => decodeJournal(text, 'journal')).toThrow(expect.objectContaining({ code: 'JOURNAL_CORRUPT', hint }));
  });

  it('distinguishes an interrupted step from an applied one', () => {
    const made: JournalRecord = { type: 'applied', step: 's', at: '' };
    expect(deriveRunState([header, intent], 'r').unfinished).toEqual([intent]);
    const state = deriveRunState([header, intent, made], 'r');
    expect(state.unfinished).toEqual([]);
    expect(state.activeChanges).toEqual([intent]);
    expect([...state.unverified]).toEqual(['s']);
  });
});
