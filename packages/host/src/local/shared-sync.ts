/**
 * Shares one sync of a directory among concurrent callers.
 *
 * Changes made before the call are on disk when it resolves: a call never joins a sync that has started already.
 * @param sync syncs a directory to disk; its failure rejects all sharing calls
 */
export function createSharedSync(sync: (directory: string) => Promise<void>): (directory: string) => Promise<void> {
  const latest = new Map<string, Promise<void>>();
  const notBegun = new Map<string, Promise<void>>();
  return async (directory) => {
    const shared = notBegun.get(directory);
    if (shared !== undefined) return shared;
    const begin = (): Promise<void> => {
      notBegun.delete(directory);
      return sync(directory);
    };
    // A failure of the previous sync is reported to its own callers.
    const own = Promise.resolve(latest.get(directory)).then(begin, begin);
    notBegun.set(directory, own);
    latest.set(directory, own);
    try {
      await own;
    } finally {
      if (latest.get(directory) === own) latest.delete(directory);
    }
  };
}
