/** The outcomes of all crash points of one set of steps and one kind of fault. */
export interface CrashPoints {
  /** The set of steps. */
  readonly subject: string;
  /** The kind of fault: `killed before a write`. */
  readonly kind: string;
  readonly points: number;
  /** Ended as an undisturbed run, at once or after a resume. */
  readonly resumed: number;
  /** Ended with everything unchanged, by itself or after a rollback. */
  readonly rolledBack: number;
  /** Any other end. */
  readonly lost: number;
}

declare module 'vitest' {
  interface TaskMeta {
    crashPoints?: CrashPoints;
  }
}

/** A good end of a crash point. A point that ends in an error is lost. */
export type GoodEnding = 'resumed' | 'rolledBack';

/**
 * Tries every point, even after a lost one, and stores the counts in `meta` for the reporter.
 * @param tries one function for each point
 * @throws with the number of lost points and the failure of the first one
 */
export async function countPoints(
  meta: { crashPoints?: CrashPoints },
  { subject, kind }: Pick<CrashPoints, 'subject' | 'kind'>,
  tries: AsyncIterable<() => Promise<GoodEnding>>,
): Promise<void> {
  const ended = { points: 0, resumed: 0, rolledBack: 0, lost: 0 };
  let first: unknown;
  for await (const attempt of tries) {
    ended.points += 1;
    try {
      ended[await attempt()] += 1;
    } catch (error) {
      ended.lost += 1;
      first ??= error;
    }
    meta.crashPoints = { subject, kind, ...ended };
  }
  if (ended.lost === 0) return;
  const reason = first instanceof Error ? first.message : String(first);
  throw new Error(`${ended.lost} of ${ended.points} points were lost; the first: ${reason}`, { cause: first });
}
