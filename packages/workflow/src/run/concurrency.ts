/**
 * Runs `work` for every item, at most `limit` at a time; the results are in the order of the items.
 *
 * After a failure no further work starts, and running work is awaited, so that none continues after the rejection. The
 * error is that of the first failed item, in the order of the items.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers = new Map<number, R>();
  const failures = new Map<number, unknown>();
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) {
      try {
        answers.set(index, await work(item));
      } catch (error) {
        failures.set(index, error);
      }
      if (failures.size > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  return [...answers].toSorted(([a], [b]) => a - b).map(([, answer]) => answer);
}
