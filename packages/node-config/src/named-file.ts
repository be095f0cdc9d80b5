import type { HostFiles, HostPath } from '@kube-rescue/host';
import { NodeConfigError, type NodeConfigErrorCode } from './errors.ts';

/** The reads that following a configuration needs. */
export type FileReader = Pick<HostFiles, 'readFile' | 'readLink'>;

/** Codes of a missing file. */
type MissingCode = Extract<NodeConfigErrorCode, `PKI_${string}_MISSING`>;

const RESTORE_HINT = 'restore it from a backup, or recreate it with `kubeadm init phase`';

/**
 * The text of a file that a configuration names, byte for byte (latin1: PEM and its comments survive any encoding).
 * @throws NodeConfigError with `missingCode` when the file is missing; HostError when it cannot be read
 */
export async function readNamedFile(
  reader: FileReader,
  path: HostPath,
  missingCode: MissingCode,
  hint: string = RESTORE_HINT,
): Promise<string> {
  const bytes = await reader.readFile(path);
  if (bytes !== undefined) return Buffer.from(bytes).toString('latin1');
  throw new NodeConfigError({ code: missingCode, message: 'the file does not exist', subject: path, hint });
}
