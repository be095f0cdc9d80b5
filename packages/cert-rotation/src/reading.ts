import { isRecoveryError, type RecoveryError } from '@kube-rescue/errors';
import type { HostFiles, HostPath } from '@kube-rescue/host';
import { PkiError, type PkiErrorCode } from './errors.ts';

/** What became of reading one thing. A thing that cannot be read is a result here, because the others still can. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: RecoveryError };

/** The reads that finding certificates takes. */
export type FileReader = Pick<HostFiles, 'readFile' | 'readLink'>;

/** Runs `read`; an expected failure becomes a result, a bug still throws. */
export async function attempt<T>(read: () => T | Promise<T>): Promise<Reading<T>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (isRecoveryError(error)) return { ok: false, error };
    throw error;
  }
}

const RESTORE_HINT = 'restore it from a backup, or make it anew with `kubeadm init phase`';

/**
 * The text of a file that something names, byte for byte (latin1: PEM and its comments survive any encoding).
 * @throws PkiError with `missingCode` when it is not there; HostError when it cannot be read
 */
export async function readNamedFile(
  reader: FileReader,
  path: HostPath,
  missingCode: PkiErrorCode,
  hint: string = RESTORE_HINT,
): Promise<string> {
  const bytes = await reader.readFile(path);
  if (bytes !== undefined) return Buffer.from(bytes).toString('latin1');
  throw new PkiError({ code: missingCode, message: 'the file is named but not there', subject: path, hint });
}

/** Decodes a kubeconfig. A byte order mark is kept, so that an edit gives it back. */
export function decodeKubeconfig(bytes: Uint8Array, path: HostPath): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new PkiError({
      code: 'PKI_KUBECONFIG_INVALID',
      message: 'cannot read the kubeconfig: it is not UTF-8 text',
      subject: path,
      hint: 'restore the kubeconfig from a backup',
      cause,
    });
  }
}
