/**
 * Does `work` for every item, at most `limit` at a time; the answers are in the order of the items.
 *
 * After a failure nothing more is begun, and what is under way is waited for: nobody works on behind the back of whoever is
 * told. The failure is that of the first item that failed in the order of the items.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers = new Map<number, R>();
  const failures = new Map<number, unknown>();
  const rest = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of rest) {
      try {
        answers.set(index, await work(item));
      } catch (error) {
        failures.set(index, error);
      }
      if (failures.size > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
  return [...answers].toSorted(([a], [b]) => a - b).map(([, answer]) => answer);
}
