/** Where time left a mark. All times are of this source alone, newest first, never empty. */
export interface TimeSource {
  /**
   * `files`: modification times. `certificates`: when each begins to be valid. `leases`: last renewals. `rtc`: the real-time
   * clock of the hardware. `peer`: the `Date` of another machine's answer.
   */
  readonly kind: 'files' | 'certificates' | 'leases' | 'rtc' | 'peer';
  /** For messages: a directory, a URL, `real-time clock`. */
  readonly name: string;
  /** The file or object of each time in `times`; empty for a source of one time. */
  readonly marks: readonly TimeMark[];
}

/** One date, and what it was read from. */
export interface TimeMark {
  readonly at: Date;
  /** A file, lease or certificate. */
  readonly of: string;
}

/** Everything that is known about the time besides the clock. Empty: nothing is known, which contradicts nothing. */
export interface ClockEvidence {
  readonly sources: readonly TimeSource[];
  /** The kernel's clock follows time servers (NTP). */
  readonly isSynchronized: boolean;
}
