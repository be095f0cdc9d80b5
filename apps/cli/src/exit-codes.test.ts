import { RecoveryError } from '@kube-rescue/errors';
import { describe, expect, it } from 'vitest';
import { EXIT, EXIT_MEANINGS, exitCodeFor } from './exit-codes.ts';

function failure(code: string): RecoveryError {
  return new RecoveryError({ code, message: 'it failed' });
}

describe('the exit status', () => {
  it.each([
    ['USAGE', 2],
    ['CONFIRMATION_REQUIRED', 2],
    ['PLAN_FILE_INVALID', 2],
    ['HOST_PATH_INVALID', 2],
    ['RUN_NOT_FOUND', 2],
    ['MANIFEST_UNKNOWN', 2],
    ['PKI_CERTIFICATE_UNKNOWN', 2],
    ['PKI_LIFETIME_INVALID', 2],
    ['WORKFLOW_STEP_UNKNOWN', 2],
    ['WORKFLOW_REQUIREMENT_SKIPPED', 2],
    ['DRILL_PROOF_FAILED', 3],
    ['WORKFLOW_BLOCKED', 4],
    ['PLAN_STALE', 4],
    ['RUN_UNFINISHED', 4],
    ['HOST_LOCKED', 4],
    ['HOST_READ_ONLY', 4],
    ['NOT_ROOT', 4],
    ['DECLINED', 4],
    ['PKI_CA_KEY_MISSING', 4],
    ['KUBECONFIG_MALFORMED', 4],
    ['MANIFEST_MALFORMED', 4],
    ['DRILL_UNSUPPORTED', 4],
    ['APPLY_ROLLED_BACK', 5],
    ['ROLLBACK_INCOMPLETE', 6],
    ['RUN_CUT_OFF', 6],
    ['LAB_NOT_REMOVED', 6],
    ['NOT_VERIFIED', 7],
    ['INTERRUPTED', 130],
  ])('of %s is %i', (code, exit) => {
    expect(exitCodeFor(failure(code))).toBe(exit);
  });

  it('of an error that nobody expected says that it is our bug', () => {
    expect(exitCodeFor(new TypeError('x is not a function'))).toBe(1);
    expect(exitCodeFor('a string')).toBe(1);
  });

  it('of an error from the flag parser says that the usage was wrong', () => {
    expect(exitCodeFor(Object.assign(new Error('Nonexistent flag: --foo'), { oclif: { exit: 1 } }))).toBe(2);
  });

  it.each(['AbortError', 'ExitPromptError', 'AbortPromptError'])('of an %s is that of an interruption', (name) => {
    expect(exitCodeFor(Object.assign(new Error('stopped'), { name }))).toBe(130);
  });

  it('has one meaning for every number', () => {
    const numbers = EXIT_MEANINGS.map(([code]) => code);
    expect(numbers).toEqual(Object.values(EXIT));
    expect(new Set(EXIT_MEANINGS.map(([, meaning]) => meaning)).size).toBe(numbers.length);
  });
});
