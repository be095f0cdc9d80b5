import { describe, expect, it } from 'vitest';
import { toErrorFinding } from './error-finding.ts';
import { WorkflowError } from '../errors.ts';

const { signal } = new AbortController();
const error = new WorkflowError({
  code: 'JOURNAL_CORRUPT',
  message: 'the journal cannot be read',
  subject: 'run 1',
  hint: 'read it',
});

describe('a check that failed with an error', () => {
  it('is unknown, with the reason', () => {
    expect(toErrorFinding(error, signal)).toEqual({
      status: 'unknown',
      summary: 'the journal cannot be read',
      evidence: [],
      code: 'JOURNAL_CORRUPT',
      subject: 'run 1',
      hint: 'read it',
      changes: [],
    });
  });

  it('is blocked where the error names the problem', () => {
    const finding = toErrorFinding(error, signal, ({ code }) => code === 'JOURNAL_CORRUPT');
    expect(finding).toMatchObject({ status: 'blocked', code: 'JOURNAL_CORRUPT' });
  });

  it('rethrows a bug', () => {
    const mistake = new TypeError('x is not a function');
    expect(() => toErrorFinding(mistake, signal)).toThrow(mistake);
  });

  it('throws the reason of an aborted signal', () => {
    const reason = new Error('interrupted');
    expect(() => toErrorFinding(error, AbortSignal.abort(reason))).toThrow(reason);
  });
});
