import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import type { HostPath } from '../host-path.ts';
import { unless } from './fs-failure.ts';
import { createSharedSync } from './shared-sync.ts';

/** The parent of `directory`, for temporary files that the watcher of `directory` must not see. */
export async function directoryAbove(directory: string, root: HostPath, file: HostPath): Promise<string> {
  const real = await realpath(directory);
  if (real === '/' || real === (await realpath(root))) throw stagingUnavailable(file);
  const above = path.dirname(real);
  const [inside, outside] = await Promise.all([stat(real), stat(above)]);
  if (inside.dev !== outside.dev) throw stagingUnavailable(file);
  return above;
}

export function stagingUnavailable(file: HostPath): HostError {
  return new HostError({
    code: 'HOST_STAGING_UNAVAILABLE',
    message: 'cannot stage the new file: no directory above the watched one is on the same filesystem',
    subject: file,
    hint: 'stop the kubelet or checkpointer that watches the directory, write the file by hand, and start it again',
  });
}

/** Many backups are written to one directory at a time, and syncing a directory takes as long as a file. */
export const syncDirectory = createSharedSync(async (directory) => {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // EINVAL: this filesystem does not sync directories.
    await unless(['EINVAL'], () => handle.sync());
  } finally {
    await handle.close();
  }
});
