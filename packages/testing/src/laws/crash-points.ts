/** What became of the points at which one set of steps was made to go wrong in one way. */
export interface CrashPoints {
  /** The set of steps. */
  readonly subject: string;
  /** How it went wrong: `killed before a write`. */
  readonly kind: string;
  readonly points: number;
  /** Ended as an undisturbed run ends, at once or when it was gone on with. */
  readonly resumed: number;
  /** Ended with everything as it was before, by itself or by a rollback. */
  readonly rolledBack: number;
  /** Ended with neither. */
  readonly lost: number;
}

declare module 'vitest' {
  interface TaskMeta {
    crashPoints?: CrashPoints;
  }
}

/** How one point ended well. A point that ends in an error is lost. */
export type GoodEnding = 'resumed' | 'rolledBack';

/**
 * Tries every point, also after one was lost, and leaves the count in `meta`, where a reporter finds it.
 * @param tries one for each point
 * @throws the failure of the first point that was lost, with their number
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
  throw new Error(`${ended.lost} of ${ended.points} points were lost, the first so: ${reason}`, { cause: first });
}
