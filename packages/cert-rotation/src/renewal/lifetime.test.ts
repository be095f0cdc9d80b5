import { describe, expect, it } from 'vitest';
import { describeLifetimeChange, planLifetime } from './lifetime.ts';

const START = Date.UTC(2024, 0, 1);
const DAY = 86_400_000;
const MINUTE = 60_000;

/** Dates in days from the start of the CA. */
const dates = (from: number, to: number) => ({
  notBefore: new Date(START + from * DAY),
  notAfter: new Date(START + to * DAY),
});
const CA = dates(0, 3650);
const FIVE_MINUTES = (5 * MINUTE) / DAY;

describe('a renewal is valid for', () => {
  it.each([
    ['as long as a certificate of 72 hours', dates(100, 103), [CA], 3],
    ['as long as a certificate of three years', dates(100, 1195), [CA], 1095],
    ['as long as a certificate of ten years', dates(0.5, 3640.5), [dates(0, 36_500)], 3640],
    ['the lifetime without the backdate of its issuer', dates(100 - FIVE_MINUTES, 465), [CA], 365],
    ['36.5 hours, not only whole days', dates(100, 100 + 36.5 / 24), [CA], 36.5 / 24],
    [
      'three years when kubeadm issued it together with the CA, five minutes after its start',
      dates(0, 1095 + FIVE_MINUTES),
      [CA],
      1095,
    ],
    ['less than a year when kubeadm dated it from the CA', dates(0, 103.4), [CA], 103.4],
    ['a hundred years at most', dates(1, 40_001), [dates(0, 50_000)], 36_500],
  ])('%s', (_title, old, cas, days) => {
    const lifetime = planLifetime(old, cas);
    expect(lifetime.days).toBeCloseTo(days, 6);
    expect(lifetime.reason).toBeUndefined();
    expect(describeLifetimeChange(lifetime)).toBe(days === 36_500 ? '36500 days, was 40000 days' : undefined);
  });

  it.each([
    ['kubeadm renewed it in the seventh year of the CA', dates(0, 2700.3), [CA], 'is dated from the start of its CA'],
    ['its CA was reissued since', dates(-3000, -10.6), [CA], 'is older than its CA'],
    ['its CA shortened it', dates(3640.3, 3650), [CA], 'ended with its CA'],
    ['the former CA in the bundle shortened it', dates(90.1, 100), [CA, dates(-3550, 100)], 'ended with its CA'],
    ['the old one ends before it begins', dates(20, 10), [CA], 'ends before it begins'],
    ['the old one lasted no time', dates(20, 20), [CA], 'ends before it begins'],
    ['the old one lasted an hour', dates(20, 20 + 1 / 24), [CA], 'was valid for less than a day'],
  ])('365 days when %s', (_title, old, cas, reason) => {
    expect(planLifetime(old, cas)).toMatchObject({ days: 365, reason });
    expect(describeLifetimeChange(planLifetime(old, cas))).toBe(`365 days, because the old one ${reason}`);
  });

  it('a hundred years when the old one never ends (9999-12-31 23:59:59, RFC 5280 4.1.2.5)', () => {
    const never = { notBefore: dates(100, 200).notBefore, notAfter: new Date('9999-12-31T23:59:59Z') };
    const centuries = { ...CA, notAfter: new Date('9999-12-31T23:59:59Z') };
    for (const ca of [centuries, CA]) {
      const lifetime = planLifetime(never, [ca]);
      expect(lifetime.days).toBe(36_500);
      expect(lifetime.reason).toBeUndefined();
      expect(describeLifetimeChange(lifetime)).toMatch(/^36500 days, was 29\d{5}(?:\.\d)? days$/);
    }
  });

  it('its own lifetime when the old one outlived its CA, which did not shorten it', () => {
    expect(planLifetime(dates(100.3, 5000.7), [CA])).toMatchObject({ days: expect.closeTo(4900.4, 6) });
  });

  it('the days that the operator gives, whatever the old lifetime was', () => {
    const lifetime = planLifetime(dates(100, 103), [CA], 365);
    expect(lifetime).toEqual({ days: 365, oldDays: 3 });
    expect(describeLifetimeChange(lifetime)).toBe('365 days, was 3 days');
    expect(describeLifetimeChange(planLifetime(dates(100, 101), [CA], 2))).toBe('2 days, was 1 day');
  });
});

describe('a series of renewals', () => {
  it('keeps its lifetime, although each is backdated by five minutes', () => {
    let old = dates(100, 100.5 + 1);
    for (let renewal = 0; renewal < 20; renewal += 1) {
      const now = 200 + renewal;
      old = dates(now - FIVE_MINUTES, now + planLifetime(old, [CA]).days);
    }
    expect(planLifetime(old, [CA]).days).toBeCloseTo(1.5, 6);
  });
});
