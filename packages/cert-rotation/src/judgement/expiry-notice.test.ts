import { expect, it } from 'vitest';
import { expiresSoon } from './expiry-notice.ts';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const soon = (lifetime: number, left: number, notice: Parameters<typeof expiresSoon>[2] = {}): boolean =>
  expiresSoon(
    { notBefore: new Date(START), notAfter: new Date(START + lifetime * DAY) },
    new Date(START + (lifetime - left) * DAY),
    notice,
  );

it.each([
  ['a year has a month left', 365, 29.9, 30.1],
  ['90 days have a third left', 90, 29.9, 30.1],
  ['three days have a third left', 3, 0.99, 1.01],
  ['an hour has a third left', 1 / 24, 0.33 / 24, 0.34 / 24],
])('a certificate expires soon when %s', (_title, lifetime, left, enough) => {
  expect(soon(lifetime, left)).toBe(true);
  expect(soon(lifetime, enough)).toBe(false);
});

it('a renewal uses a shorter usual notice, which a third of the lifetime limits too', () => {
  expect(soon(365, 6.9, { usualDays: 7 })).toBe(true);
  expect(soon(365, 7.1, { usualDays: 7 })).toBe(false);
  expect(soon(3, 1.1, { usualDays: 7 })).toBe(false);
});

it('the notice of the operator holds exactly, whatever the lifetime', () => {
  expect(soon(3, 2, { expiringWithinDays: 7 })).toBe(true);
  expect(soon(365, 179, { expiringWithinDays: 180 })).toBe(true);
  expect(soon(3, 0.1, { expiringWithinDays: 0 })).toBe(false);
});

it('an expired certificate is past every notice', () => {
  expect(soon(365, -1)).toBe(true);
});
