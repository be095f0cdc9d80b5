import { describe, expect, it } from 'vitest';
import { drillExitOf } from '../apps/drill/src/exit-codes.ts';
import { afterWrites, createWriteRecord } from '../apps/cli/src/recorded-writes.ts';
import { CODES, failureOf, KINDS } from './error-codes.fixture.ts';
import { EXIT, EXIT_MEANINGS, exitCodeFor } from '../apps/cli/src/exit-codes.ts';

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
    ['WORKFLOW_BLOCKED', 4],
    ['PLAN_STALE', 4],
    ['RUN_UNFINISHED', 4],
    ['HOST_LOCKED', 4],
    ['HOST_READ_ONLY', 4],
    ['NOT_ROOT', 4],
    ['DECLINED', 4],
    ['PKI_CA_KEY_MISSING', 4],
    ['PKI_KUBECONFIG_INVALID', 4],
    ['MANIFEST_INVALID', 4],
    ['OBJECT_KIND_UNKNOWN', 2],
    ['ETCD_ENDPOINT_INVALID', 2],
    ['PKI_NAME_INVALID', 2],
    ['POD_CONTROLLER_UNSUPPORTED', 2],
    ['DNS_CREDENTIALS_NOT_FOUND', 2],
    ['DNS_CREDENTIALS_UNREADABLE', 2],
    ['DRILL_UNSUPPORTED', 4],
    ['APPLY_ROLLED_BACK', 5],
    ['ROLLBACK_INCOMPLETE', 6],
    ['RUN_CUT_OFF', 6],
    ['LEFT_INCOMPLETE', 6],
    ['NOT_VERIFIED', 7],
    ['INTERRUPTED', 130],
  ] as const)('of %s is %i', (code, exit) => {
    expect(exitCodeFor(failureOf(code))).toBe(exit);
  });

  it('is known for every code, and follows its kind', () => {
    const exits = new Map(CODES.map((code) => [code, exitCodeFor(failureOf(code))]));
    expect(exits.size).toBeGreaterThan(200);
    expect([...exits].filter(([, exit]) => exit === EXIT.bug)).toEqual([]);
    const usage = CODES.filter((code) => KINDS[code] === 'usage');
    expect(usage.filter((code) => exits.get(code) !== EXIT.usage)).toEqual([]);
  });

  it('of an unexpected error is that of a bug', () => {
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

describe('the exit status of a rehearsal', () => {
  it.each([
    ['DRILL_PROOF_FAILED', 3],
    ['LAB_BUILD_FAILED', 3],
    ['LAB_COMMAND_FAILED', 3],
    ['LAB_DEADLINE_PASSED', 3],
    ['LAB_NOT_REMOVED', 6],
  ] as const)('of %s is %i', (code, exit) => {
    expect(drillExitOf(failureOf(code))).toBe(exit);
  });

  it('is otherwise that of any other command', () => {
    expect(drillExitOf(failureOf('DRILL_UNSUPPORTED'))).toBeUndefined();
    expect(drillExitOf(new Error('bug'))).toBeUndefined();
  });
});

describe('a failure after something was written', () => {
  it.each(CODES)('never exits as unchanged: %s', (code) => {
    const record = createWriteRecord();
    record.add('/backup/worker1');
    const exit = exitCodeFor(afterWrites(failureOf(code), record));
    expect([EXIT.done, EXIT.bug, EXIT.usage, EXIT.refused]).not.toContain(exit);
  });

  it.each(CODES)('stays as it is when nothing was written: %s', (code) => {
    const error = failureOf(code);
    expect(afterWrites(error, createWriteRecord())).toBe(error);
  });
});
