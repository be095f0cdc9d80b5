import { HostError, type HostFiles, type HostPath, parentPath } from '@kube-rescue/host';

/** Far more than certificates, manifests and undo records of one run need. */
const REQUIRED_BYTES = 4 * 1024 * 1024;

/**
 * Checks, without writing, that a directory has space for the files of one run.
 * @throws HostError `HOST_NO_SPACE` `HOST_READ_ONLY` `HOST_PERMISSION_DENIED`
 */
export async function assertDiskSpace(
  files: Pick<HostFiles, 'freeBytes' | 'assertWritable'>,
  directory: HostPath,
): Promise<void> {
  await files.assertWritable(directory);
  const free = await files.freeBytes(directory);
  if (free >= REQUIRED_BYTES) return;
  throw new HostError({
    code: 'HOST_NO_SPACE',
    message: `nothing was changed: ${free} bytes are free, ${REQUIRED_BYTES} may be needed`,
    subject: directory,
    hint: 'free some space (df), for example old logs and images, then run again',
  });
}

/**
 * Checks, without writing, that a file can be created, replaced or removed: its directory has space, and neither is immutable.
 * @throws HostError as {@link assertDiskSpace}
 */
export async function assertReplaceable(
  files: Pick<HostFiles, 'freeBytes' | 'assertWritable'>,
  path: HostPath,
): Promise<void> {
  await assertDiskSpace(files, parentPath(path));
  await files.assertWritable(path);
}
