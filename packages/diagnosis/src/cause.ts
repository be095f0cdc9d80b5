/** Something that is wrong, and what follows from it. */
export interface Cause {
  /** 1 is what everything else waits for. */
  readonly rank: number;
  readonly code: string;
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly hint: string | undefined;
}
