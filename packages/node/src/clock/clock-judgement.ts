import { formatTime } from '@kube-rescue/errors';
import type { ClockEvidence, TimeMark, TimeSource } from './time-source.ts';

const MS_PER_MINUTE = 60_000;
const MS_PER_DAY = 24 * 60 * MS_PER_MINUTE;
/** Machines differ by minutes; certificates are backdated by five. */
const TOLERANCE_MS = 10 * MS_PER_MINUTE;
/** The real-time clock may be kept in local time, and drifts while no program sets it. */
const RTC_TOLERANCE_MS = MS_PER_DAY;
/** One file with an odd date, or one machine with a wrong clock, proves nothing. */
const NEEDED_WITNESSES = 2;

/** What the clock is, compared with everything else that knows the time. */
export interface ClockJudgement {
  /**
   * `behind`, `ahead`: the evidence contradicts the clock. `unconfirmed`: nothing contradicts it, but a CA has expired by this
   * clock only. `plausible`: neither, also without any evidence.
   */
  readonly verdict: 'plausible' | 'behind' | 'ahead' | 'unconfirmed';
  /** One sentence without a period. */
  readonly summary: string;
  /** A line for each source with its newest date, those that contradict the clock first. */
  readonly evidence: readonly string[];
  /** Dates that are too few to count: `FILE is dated ...`. */
  readonly outliers: readonly string[];
}

/**
 * Compares the clock with its evidence. Pure.
 *
 * Behind: two marks later than the clock by over ten minutes, unless time servers or another machine agree with the clock: then
 * they were made while it was wrong. Ahead: the real-time clock and every file end at one time, at least a day ago, or two other
 * machines say so. Old files alone contradict nothing: a machine may have been off for a year. A real-time clock before the files
 * lost its battery, and counts for nothing.
 *
 * @param expiredCas the ends of the CAs that have expired by this clock, which are to be reissued
 */
export function judgeClock(
  now: Date,
  { sources, isSynchronized }: ClockEvidence,
  expiredCas: readonly Date[] = [],
): ClockJudgement {
  const later = sources.map((source) => ({ source, witnesses: marksAfter(source, now) }));
  const count = later.reduce((sum, { source, witnesses }) => sum + weightOf(source, witnesses), 0);
  const agrees =
    isSynchronized ||
    sources.some(({ kind, marks }) => kind === 'peer' && marks.some(({ at }) => distance(at, now) <= TOLERANCE_MS));
  const outliers = later.flatMap(({ source, witnesses }) =>
    source.kind === 'files' ? witnesses.map(({ of, at }) => `${of} is dated ${formatTime(at)}`) : [],
  );
  const clock = `this machine's clock shows ${formatTime(now)}`;
  const describe = (first: (source: TimeSource) => boolean): readonly string[] => describeSources(sources, first);
  if (count >= NEEDED_WITNESSES && !agrees) {
    const isLater = (source: TimeSource): boolean => marksAfter(source, now).length > 0;
    const summary = `${clock}, but there are later dates: the clock is behind`;
    return { verdict: 'behind', summary, evidence: describe(isLater), outliers: [] };
  }
  const present = agrees ? undefined : findPresent(now, sources);
  if (present !== undefined) {
    const summary = `${clock}, but everything else ends at ${formatTime(present)}: the clock is ahead`;
    return { verdict: 'ahead', summary, evidence: describe(({ kind }) => isLive(kind)), outliers };
  }
  const end = expiredCas.toSorted((a, b) => b.getTime() - a.getTime())[0];
  const isWatched = sources.some(({ kind }) => kind !== 'certificates');
  if (end !== undefined && isWatched && !isSynchronized && !isConfirmed(end, now, sources)) {
    const summary = `a CA expired on ${formatTime(end)} by this machine's clock only, which shows ${formatTime(now)}: no other date is as late`;
    return { verdict: 'unconfirmed', summary, evidence: describe(() => false), outliers };
  }
  return { verdict: 'plausible', summary: clock, evidence: describe(() => false), outliers };
}

function isLive(kind: TimeSource['kind']): boolean {
  return kind === 'rtc' || kind === 'peer';
}

function distance(a: Date, b: Date): number {
  return Math.abs(a.getTime() - b.getTime());
}

function toleranceOf(kind: TimeSource['kind']): number {
  return kind === 'rtc' ? RTC_TOLERANCE_MS : TOLERANCE_MS;
}

function marksAfter({ kind, marks }: TimeSource, time: Date): readonly TimeMark[] {
  return marks.filter(({ at }) => at.getTime() - time.getTime() > toleranceOf(kind));
}

/** All certificates come from one machine, whose clock may have been wrong. */
function weightOf({ kind }: TimeSource, witnesses: readonly TimeMark[]): number {
  return kind === 'certificates' ? Math.min(witnesses.length, 1) : witnesses.length;
}

/** The time by the clocks that still run, when it contradicts a clock that is ahead; `undefined` when it does not. */
function findPresent(now: Date, sources: readonly TimeSource[]): Date | undefined {
  const peers = sources.filter(({ kind }) => kind === 'peer').flatMap(({ marks }) => marks);
  const early = peers.filter(({ at }) => now.getTime() - at.getTime() > TOLERANCE_MS);
  if (early.length >= NEEDED_WITNESSES) return newest(early);
  const recorded = sources.filter(({ kind }) => kind === 'files' || kind === 'leases');
  const rtc = sources.find(({ kind }) => kind === 'rtc')?.marks[0];
  // One other machine, or the real-time clock, counts together with the files: none was written since, by this clock.
  const [witness] = [
    ...early,
    ...(rtc !== undefined && now.getTime() - rtc.at.getTime() > RTC_TOLERANCE_MS ? [rtc] : []),
  ];
  const marks = recorded.flatMap((source) => source.marks);
  if (witness === undefined || marks.length === 0) return undefined;
  const after = marks.filter(({ at }) => at.getTime() - witness.at.getTime() > TOLERANCE_MS);
  return after.length >= NEEDED_WITNESSES ? undefined : witness.at;
}

function newest(marks: readonly TimeMark[]): Date | undefined {
  return marks.map(({ at }) => at).toSorted((a, b) => b.getTime() - a.getTime())[0];
}

/** Whether anything but the clock is past `end`, and not later than the clock itself. */
function isConfirmed(end: Date, now: Date, sources: readonly TimeSource[]): boolean {
  return sources.some(({ kind, marks }) =>
    marks.some(({ at }) => at >= end && at.getTime() - now.getTime() <= toleranceOf(kind)),
  );
}

function describeSources(sources: readonly TimeSource[], first: (source: TimeSource) => boolean): readonly string[] {
  return [...sources.filter(first), ...sources.filter((source) => !first(source))].flatMap(({ kind, name, marks }) => {
    const [mark] = marks;
    if (mark === undefined) return [];
    const of = isLive(kind) ? '' : `, by ${mark.of}`;
    return [`${name}: ${formatTime(mark.at)}${of}`];
  });
}
