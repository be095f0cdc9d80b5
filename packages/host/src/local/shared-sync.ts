/**
 * Lets those who want the same folder on the disk at the same moment share one sync of it.
 *
 * What was done in the folder before asking is on the disk when the answer comes: nobody shares a sync that has begun already.
 * @param sync puts a folder on the disk; its failure is told to everybody who shares it
 */
export function createSharedSync(sync: (folder: string) => Promise<void>): (folder: string) => Promise<void> {
  const latest = new Map<string, Promise<void>>();
  const notBegun = new Map<string, Promise<void>>();
  return async (folder) => {
    const shared = notBegun.get(folder);
    if (shared !== undefined) return shared;
    const begin = (): Promise<void> => {
      notBegun.delete(folder);
      return sync(folder);
    };
    // Whether the one before it failed is the business of those who asked for that.
    const own = Promise.resolve(latest.get(folder)).then(begin, begin);
    notBegun.set(folder, own);
    latest.set(folder, own);
    try {
      await own;
    } finally {
      if (latest.get(folder) === own) latest.delete(folder);
    }
  };
}
