import { describe, expect, it } from 'vitest';
import { judgeClock } from './clock-judgement.ts';
import type { ClockEvidence, TimeSource } from './time-source.ts';

const NOW = new Date('2026-11-29T12:00:00Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const HOUR = 60 * MINUTE;

/** A source whose dates are so many milliseconds after the clock. */
const at =
  (kind: TimeSource['kind'], name: string) =>
  (...offsets: readonly number[]): TimeSource => ({
    kind,
    name,
    marks: offsets.map((offset, index) => ({ at: new Date(NOW.getTime() + offset), of: `${name}/${index}` })),
  });
const log = at('files', '/var/log');
const etcd = at('files', '/var/lib/etcd/member/wal');
const certificates = at('certificates', 'begin of the certificates');
const leases = at('leases', 'leases of the nodes');
const rtc = at('rtc', 'real-time clock');
const peer = at('peer', 'https://lb:6443');
const judge = (sources: readonly TimeSource[], more: Partial<ClockEvidence> = {}) =>
  judgeClock(NOW, { sources, isSynchronized: false, ...more });

describe('the clock is behind when', () => {
  it.each<[string, readonly TimeSource[]]>([
    ['two files are later', [log(HOUR, HOUR - MINUTE)]],
    ['files of two directories are later', [log(HOUR, -DAY), etcd(2 * HOUR, -DAY)]],
    ['it was reset to the epoch of its board', [log(6 * 365 * DAY), etcd(6 * 365 * DAY), certificates(5 * 365 * DAY)]],
    ['a file and the leases are later', [log(HOUR), leases(HOUR)]],
    ['a file and the real-time clock are later', [log(3 * DAY), rtc(3 * DAY)]],
    ['a file is later, and certificates begin later', [log(3 * DAY), certificates(2 * DAY, 2 * DAY)]],
    ['a file and another machine are later', [log(HOUR), peer(HOUR)]],
  ])('%s', (_title, sources) => {
    const { verdict, summary, evidence } = judge(sources);
    expect(verdict).toBe('behind');
    expect(summary).toContain('2026-11-29 12:00:00 UTC');
    expect(evidence).toHaveLength(sources.length);
  });
});

describe('the clock is ahead when', () => {
  it.each<[string, readonly TimeSource[]]>([
    ['the real-time clock and all files end a year ago', [rtc(-365 * DAY), log(-365 * DAY - HOUR), etcd(-366 * DAY)]],
    ['another machine and all files end an hour ago', [peer(-HOUR), log(-HOUR - MINUTE, -2 * HOUR)]],
    ['two other machines say so, although files were written since', [peer(-HOUR), peer(-HOUR), log(-MINUTE, 0)]],
    ['one file alone was written since', [rtc(-73 * 365 * DAY), log(-MINUTE, -73 * 365 * DAY - HOUR)]],
  ])('%s', (_title, sources) => {
    const { verdict, evidence } = judge(sources);
    expect(verdict).toBe('ahead');
    expect(evidence[0]).toMatch(/^(real-time clock|https:\/\/lb:6443): /);
  });
});

describe('the clock is believed', () => {
  it.each<[string, readonly TimeSource[], Partial<ClockEvidence>?]>([
    ['without any evidence', []],
    ['when everything agrees', [log(-MINUTE, -HOUR), etcd(-MINUTE), rtc(-MINUTE), peer(0), certificates(-365 * DAY)]],
    ['when the machine was off for a year', [log(-365 * DAY, -366 * DAY), etcd(-365 * DAY), rtc(MINUTE)]],
    ['when the machine was off for a year and has no real-time clock', [log(-365 * DAY), etcd(-365 * DAY)]],
    ['when the real-time clock lost its battery', [rtc(-26 * 365 * DAY), log(-MINUTE, -HOUR)]],
    ['when the real-time clock keeps local time', [rtc(14 * HOUR), log(-MINUTE, -HOUR)]],
    ['when one file has an odd date', [log(11 * 365 * DAY, -MINUTE), etcd(-MINUTE)]],
    ['when certificates come from a machine whose clock is ahead', [certificates(DAY, DAY, DAY), log(-MINUTE)]],
    ['when one other machine is ahead', [peer(HOUR), log(-MINUTE, -HOUR)]],
    ['when files differ by minutes', [log(9 * MINUTE, 9 * MINUTE, 8 * MINUTE)]],
    [
      'when files were written while it was wrong, and time servers set it since',
      [log(DAY, DAY)],
      { isSynchronized: true },
    ],
    ['when files were written while it was wrong, and another machine agrees now', [log(DAY, DAY), peer(MINUTE)]],
  ])('%s', (_title, sources, more) => {
    expect(judge(sources, more).verdict).toBe('plausible');
  });

  it('over one odd file, which is named', () => {
    const { outliers } = judge([log(11 * 365 * DAY, -MINUTE)]);
    expect(outliers).toEqual(['/var/log/0 is dated 2037-11-26 12:00:00 UTC']);
  });
});

describe('a CA that has expired by the clock', () => {
  const ends = [new Date(NOW.getTime() - 30 * DAY)];
  const withCa = (sources: readonly TimeSource[], isSynchronized = false) =>
    judgeClock(NOW, { sources, isSynchronized }, ends).verdict;

  it('is not reissued while everything else is before its end', () => {
    expect(withCa([log(-31 * DAY), etcd(-40 * DAY)])).toBe('unconfirmed');
    expect(withCa([log(-31 * DAY, 300 * DAY)])).toBe('unconfirmed');
  });

  it('has expired when one other date is past its end, or time servers keep the clock', () => {
    expect(withCa([log(-29 * DAY), etcd(-40 * DAY)])).toBe('plausible');
    expect(withCa([log(-40 * DAY), rtc(0)])).toBe('plausible');
    expect(withCa([log(-40 * DAY)], true)).toBe('plausible');
  });

  it('is believed to have expired where nothing records the time', () => {
    expect(withCa([])).toBe('plausible');
    expect(withCa([certificates(-400 * DAY)])).toBe('plausible');
  });
});
