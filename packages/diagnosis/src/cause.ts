/** A cause of an outage, and its consequence. */
export interface Cause {
  /** 1 is first: everything else depends on it. */
  readonly rank: number;
  readonly code: string;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly hint: string | undefined;
}

/** A cause before it is ranked, or a notice: something to know that keeps no component from its work. */
export type Finding = Omit<Cause, 'rank'>;
