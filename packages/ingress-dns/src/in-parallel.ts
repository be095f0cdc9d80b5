/** Does `work` for every item, at most `limit` at a time; the answers are in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const rest = items.entries();
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const [index, item] of rest) results.set(index, await work(item));
  });
  await Promise.all(lanes);
  return items.map((_, index) => results.get(index) as R);
}
