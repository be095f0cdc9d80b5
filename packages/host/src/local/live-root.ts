import { stat } from 'node:fs/promises';
import type { HostPath } from '../host-path.ts';

/**
 * Whether a path is the root directory of this machine: `/` itself, a link to it, a bind mount of it, `/proc/1/root`.
 * False for a missing path. A bind mount of a directory below the root directory is not noticed.
 */
export async function isLiveRoot(path: HostPath): Promise<boolean> {
  const [given, live] = await Promise.all(
    [path, '/'].map((each) => stat(each, { bigint: true }).catch(() => undefined)),
  );
  return given !== undefined && live !== undefined && given.dev === live.dev && given.ino === live.ino;
}
