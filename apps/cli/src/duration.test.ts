import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['5m', 300],
    ['72h', 259_200],
    ['30d', 2_592_000],
    ['1w', 604_800],
    ['1h30m', 5400],
    ['1.5h', 5400],
    ['0', 0],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseDuration(text, 's')).toBe(seconds);
  });

  it('without a unit has the unit of its flag', () => {
    expect(parseDuration('30', 's')).toBe(30);
    expect(parseDuration('30', 'd')).toBe(30 * 86_400);
  });

  it.each(['', 'soon', '5 m', '-5m', '5x', 'm', '5m!', '1e3', '0x10', 'Infinity'])('is not "%s"', (text) => {
    expect(parseDuration(text, 's')).toBeUndefined();
  });
});
