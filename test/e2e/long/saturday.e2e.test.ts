import { describe, it } from 'vitest';
import { expectSaturday, SATURDAY_KINDS, SATURDAY_TIMEOUT_MS } from '../saturday.fixture.ts';

const CASES: readonly (readonly [title: string, args: readonly string[]])[] = [
  ['through the API server', ['--via', 'api', '--no-trap', '--stable-for', '60']],
  ['beside pods that did not die', ['--pods-alive', '--stable-for', '60']],
];

describe('the Saturday incident', () => {
  it.each(CASES)(
    'is replayed and recovered by one command %s, and leaves nothing behind',
    (_title, args) => expectSaturday(SATURDAY_KINDS, args),
    SATURDAY_TIMEOUT_MS,
  );
});
