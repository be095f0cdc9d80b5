/** Runs `work` for each of `list`, `limit` at a time; rejects with the first failure once all that run have ended. */
export async function inParallel<T>(
  list: readonly T[],
  limit: number,
  work: (each: T) => Promise<void>,
): Promise<void> {
  const rest = list.values();
  const worker = async (): Promise<void> => {
    for (const each of rest) await work(each);
  };
  const ended = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
