import { describe, expect, it } from 'vitest';
import {
  describeError,
  isErrorOfKind,
  isKnownWrong,
  isRecoveryError,
  isUnanswered,
  isUnavailable,
  RecoveryError,
  type RecoveryErrorDetails,
} from './recovery-error.ts';

const PKI_ERRORS = { PKI_CA_KEY_MISSING: 'missing', PKI_SERVER_SILENT: 'unavailable' } as const;

class PkiError extends RecoveryError<keyof typeof PKI_ERRORS> {
  constructor(details: RecoveryErrorDetails<keyof typeof PKI_ERRORS>) {
    super(details, PKI_ERRORS);
  }
}

const failure = new PkiError({
  code: 'PKI_CA_KEY_MISSING',
  message: 'cannot sign the certificate',
  subject: '/etc/kubernetes/pki/ca.key',
  hint: 'copy ca.key back',
  cause: Object.assign(new Error('no such file'), { code: 'ENOENT' }),
});

describe('an expected failure', () => {
  it('has several reasons as a list and in its message, equal ones once', () => {
    const error = new PkiError({
      ...{ code: 'PKI_CA_KEY_MISSING', message: 'nothing was changed' },
      reasons: ['a: no key', 'b: no key', 'a: no key'],
    });
    expect(error.message).toBe('nothing was changed: a: no key; b: no key');
    expect(error.lead).toBe('nothing was changed');
    expect(error.reasons).toEqual(['a: no key', 'b: no key']);
    expect(failure.reasons).toEqual([]);
    expect(failure.lead).toBe(failure.message);
  });

  it('has a code, message, subject and hint, and the class name of its package', () => {
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({
      name: 'PkiError',
      code: 'PKI_CA_KEY_MISSING',
      kind: 'missing',
      message: 'cannot sign the certificate',
      subject: '/etc/kubernetes/pki/ca.key',
      hint: 'copy ca.key back',
    });
  });

  it('redacts secrets in message, subject and hint', () => {
    const token = 'abcdef.0123456789abcdef';
    const { message, subject, hint } = new PkiError({
      code: 'PKI_CA_KEY_MISSING',
      message: `refused ${token}`,
      subject: `password: hunter2`,
      hint: `try ${token}`,
    });
    expect([message, subject, hint]).toEqual(['refused [redacted]', 'password: [redacted]', 'try [redacted]']);
  });

  it('decides by its kind what is to be done', () => {
    const silent = new PkiError({ code: 'PKI_SERVER_SILENT', message: 'no answer' });
    expect([isUnavailable(silent), isUnanswered(silent), isKnownWrong(silent)]).toEqual([true, true, false]);
    expect([isUnavailable(failure), isUnanswered(failure), isKnownWrong(failure)]).toEqual([false, false, true]);
    expect(isErrorOfKind(failure, 'invalid', 'missing')).toBe(true);
    expect(isErrorOfKind(Object.assign(new Error('bug'), { kind: 'missing' }), 'missing')).toBe(false);
  });

  it('is distinguished from a bug, and by its code', () => {
    expect(isRecoveryError(failure)).toBe(true);
    expect(isRecoveryError(failure, 'HOST_LOCKED', 'PKI_CA_KEY_MISSING')).toBe(true);
    expect(isRecoveryError(failure, 'HOST_LOCKED')).toBe(false);
    expect(isRecoveryError(new Error('bug'))).toBe(false);
    expect(isRecoveryError({ code: 'PKI_CA_KEY_MISSING' })).toBe(false);
  });
});

describe('a failure in one line', () => {
  it('names the code and the causes', () => {
    expect(describeError(failure)).toBe('cannot sign the certificate (PKI_CA_KEY_MISSING): no such file (ENOENT)');
  });

  it('is formatted for any thrown value', () => {
    expect(describeError('just text')).toBe('just text');
    expect(describeError(undefined)).toBe('undefined');
    expect(describeError(new Error('a', { cause: 'b' }))).toBe('a: b');
  });

  it('redacts secrets of third-party errors', () => {
    expect(describeError(new Error('401', { cause: new Error('token: s3cr3t') }))).toBe('401: token: [redacted]');
  });
});
