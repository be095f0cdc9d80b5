import { HostError, type HostFiles, type HostPath } from '@kube-rescue/host';

/** Certificates, manifests and undo records of one run stay far below this. */
const ROOM_BYTES = 4 * 1024 * 1024;

/**
 * Makes sure, without writing, that a folder can take the files of one run.
 * @throws HostError `HOST_NO_SPACE` `HOST_READ_ONLY` `HOST_PERMISSION_DENIED`
 */
export async function assertDiskSpace(
  files: Pick<HostFiles, 'freeBytes' | 'assertWritable'>,
  folder: HostPath,
): Promise<void> {
  await files.assertWritable(folder);
  const free = await files.freeBytes(folder);
  if (free >= ROOM_BYTES) return;
  throw new HostError({
    code: 'HOST_NO_SPACE',
    message: `only ${free} bytes are free where ${ROOM_BYTES} may be needed; nothing was changed`,
    subject: folder,
    hint: 'free some space (df), for example old logs and images, then run again',
  });
}
