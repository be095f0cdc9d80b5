import { describe, expect, it } from 'vitest';
import { toErrorFinding } from './error-finding.ts';
import { WorkflowError } from '../errors.ts';

const { signal } = new AbortController();
const error = new WorkflowError({
  code: 'JOURNAL_CORRUPT',
  message: 'the journal cannot be read',
  subject: 'run 1',
  hint: 'look at it',
});

describe('a check that an error came in the way of', () => {
  it('does not know, and says why', () => {
    expect(toErrorFinding(error, signal)).toEqual({
      status: 'unknown',
      summary: 'the journal cannot be read',
      evidence: [],
      code: 'JOURNAL_CORRUPT',
      subject: 'run 1',
      hint: 'look at it',
      changes: [],
    });
  });

  it('is blocked where the error says what is wrong', () => {
    const finding = toErrorFinding(error, signal, ({ code }) => code === 'JOURNAL_CORRUPT');
    expect(finding).toMatchObject({ status: 'blocked', code: 'JOURNAL_CORRUPT' });
  });

  it('lets a mistake of the program through', () => {
    const mistake = new TypeError('x is not a function');
    expect(() => toErrorFinding(mistake, signal)).toThrow(mistake);
  });

  it('ends where it was interrupted', () => {
    const reason = new Error('interrupted');
    expect(() => toErrorFinding(error, AbortSignal.abort(reason))).toThrow(reason);
  });
});
