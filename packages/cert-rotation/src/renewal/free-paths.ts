import type { HostFiles, HostPath } from '@kube-rescue/host';
import { PkiError } from '../errors.ts';

/**
 * Makes sure that an export overwrites nothing.
 * @param refusal what exists and what to do about it
 * @throws PkiError `PKI_REQUEST_EXISTS` with the paths that exist
 */
export async function assertFree(
  paths: readonly HostPath[],
  files: Pick<HostFiles, 'stat'>,
  refusal: { readonly message: string; readonly hint: string },
): Promise<void> {
  const taken: HostPath[] = [];
  for (const path of paths) if ((await files.stat(path)) !== undefined) taken.push(path);
  if (taken.length === 0) return;
  throw new PkiError({ code: 'PKI_REQUEST_EXISTS', subject: taken.join(', '), ...refusal });
}
