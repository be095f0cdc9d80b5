/** Yields the items of `source`, with up to `depth` items requested ahead. */
export async function* readAhead<T>(source: AsyncGenerator<T, void>, depth: number): AsyncGenerator<T, void> {
  const pending: Promise<IteratorResult<T, void>>[] = [];
  try {
    for (;;) {
      while (pending.length <= depth) {
        const next = source.next();
        // The rejection is handled when the item is awaited.
        next.catch(() => undefined);
        pending.push(next);
      }
      const item = await pending.shift();
      if (item === undefined || item.done === true) return;
      yield item.value;
    }
  } finally {
    await source.return();
  }
}
