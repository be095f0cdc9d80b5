import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertShallow } from './object-nesting.ts';

const nested = (levels: number): unknown => JSON.parse('{"a":'.repeat(levels) + '1' + '}'.repeat(levels));

describe('the nesting of an object', () => {
  it('may be far deeper than in any kind', () => {
    expect(() => assertShallow(nested(1000), 'a')).not.toThrow();
    expect(() =>
      assertShallow(
        Array.from({ length: 5000 }, () => nested(10)),
        'a',
      ),
    ).not.toThrow();
  });

  it('is refused before any recursive function runs', async () => {
    const check = async () => assertShallow({ items: [nested(100_000)] }, 'Secret default/a');
    expect((await expectCode(check(), 'OBJECT_UNREADABLE')).subject).toBe('Secret default/a');
  });
});
