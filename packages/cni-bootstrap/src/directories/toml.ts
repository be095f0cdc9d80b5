import { type Fields, isRecord } from '@kube-rescue/cluster-objects';
import type { Host, HostPath } from '@kube-rescue/host';
import { parse } from 'smol-toml';
import { CniError } from '../errors.ts';

/** @throws CniError `CNI_DIRECTORIES_UNREADABLE` */
export async function readToml(path: HostPath, host: Pick<Host, 'readFile'>): Promise<Fields | undefined> {
  const bytes = await host.readFile(path);
  if (bytes === undefined) return undefined;
  try {
    const object: unknown = parse(new TextDecoder().decode(bytes));
    if (isRecord(object)) return object;
  } catch (error) {
    throw new CniError({
      code: 'CNI_DIRECTORIES_UNREADABLE',
      message: 'the configuration of the container runtime is not TOML, so its CNI directories are unknown',
      subject: path,
      hint: 'correct the file; the container runtime does not start with it',
      cause: error,
    });
  }
  return {};
}
