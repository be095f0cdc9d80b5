import assert from 'node:assert/strict';
import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';

/**
 * Asserts that `promise` rejects with a RecoveryError of this `code` with a subject and a hint, and returns the error.
 */
export async function expectCode(promise: Promise<unknown>, code: string): Promise<RecoveryError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error ?? new Error('rejected with nothing'),
  );
  assert.ok(outcome !== undefined, `expected ${code}, but it succeeded`);
  if (!isRecoveryError(outcome)) throw new Error(`expected ${code}, but it failed otherwise`, { cause: outcome });
  assert.equal(outcome.code, code, `${outcome.code}: ${outcome.message}`);
  assert.ok(outcome.subject, `${code} names no subject`);
  assert.ok(outcome.hint, `${code} has no hint`);
  return outcome;
}
