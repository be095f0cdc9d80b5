import { describe, expect, it } from 'vitest';
import { formatTime, toRfc3339 } from './time.ts';

const TIME = new Date('2026-11-27T15:40:01.987Z');

describe('a time', () => {
  it('is written in UTC, to the second, in text', () => {
    expect(formatTime(TIME)).toBe('2026-11-27 15:40:01 UTC');
  });

  it('is RFC 3339 without milliseconds in JSON', () => {
    expect(toRfc3339(TIME)).toBe('2026-11-27T15:40:01Z');
    expect(new Date(toRfc3339(TIME)).getTime()).toBe(TIME.getTime() - 987);
  });

  it('that is invalid is named as invalid in text and refused in JSON', () => {
    expect(formatTime(new Date(Number.NaN))).toBe('an invalid time');
    expect(() => toRfc3339(new Date(Number.NaN))).toThrowError(RangeError);
  });

  it('outside the four-digit years keeps its year', () => {
    expect(toRfc3339(new Date(-62_198_755_200_000))).toBe('-000001-01-01T00:00:00Z');
  });
});
