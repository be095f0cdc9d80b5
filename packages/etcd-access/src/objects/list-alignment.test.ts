import { startCpuTime } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { alignLists } from './list-alignment.ts';

describe('elements of an edited list', () => {
  it.each([
    ['nothing changed', ['a', 'b'], ['a', 'b'], [0, 1]],
    ['one was removed', ['a', 'b', 'c'], ['b', 'c'], [1, 2]],
    ['one came first', ['a', 'b'], ['x', 'a', 'b'], [undefined, 0, 1]],
    ['the order changed', ['a', 'b'], ['b', 'a'], [1, 0]],
    ['one is there twice now', ['a'], ['a', 'a'], [0, undefined]],
    ['one was changed at its index', ['a', 'b'], ['a', 'x'], [0, 1]],
    ['two were changed and one was removed', ['a', 'b', 'c'], ['x', 'y'], [undefined, undefined]],
  ])('are matched where %s', (_what, before, after, expected) => {
    expect(alignLists(before, after)).toEqual(expected);
  });

  it('are matched by name when both changed and moved', () => {
    const before = [
      { name: 'a', v: 1 },
      { name: 'b', v: 1 },
    ];
    expect(
      alignLists(before, [
        { name: 'b', v: 2 },
        { name: 'c', v: 1 },
        { name: 'a', v: 1 },
      ]),
    ).toEqual([1, undefined, 0]);
  });

  it('are matched quickly in a very long list', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => ({ name: `n${index}` }));
    const spentMs = startCpuTime();
    expect(
      alignLists(
        many,
        many.map((each) => ({ ...each })),
      ),
    ).toHaveLength(many.length);
    expect(spentMs()).toBeLessThan(2000);
  });
});
