import { describe, it } from 'vitest';
import { expectSaturday, SATURDAY_KINDS, SATURDAY_TIMEOUT_MS } from './saturday.fixture.ts';

describe('the Saturday incident', () => {
  // The one that includes the trap and the long watch; others are in the long suite.
  it(
    'is replayed and recovered by one command through etcd, with encrypted Secrets, with the trap, without new AWS keys',
    () => expectSaturday(['death', 'trap', ...SATURDAY_KINDS.slice(1)], ['--encrypted', '--no-aws-keys']),
    SATURDAY_TIMEOUT_MS,
  );
});
