import { lstat } from 'node:fs/promises';
import { describeError, isRecoveryError } from '@kube-rescue/errors';
import { attributeLossOf, KEEP_ATTRIBUTES } from '../kept-attributes.ts';
import { unless } from './fs-failure.ts';
import { execForBytes } from './local-exec.ts';

const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 4096;
const SCRIPT = `${KEEP_ATTRIBUTES}keep_attributes "$1" "$2"`;

/**
 * Gives the access list, the extended attributes and the SELinux label of the file at `real` to the empty file `temporary`.
 * Node has no call for them.
 * @returns why they may be lost; `undefined` when they were kept, or there is no regular file at `real`
 */
export async function keepAttributes(real: string, temporary: string): Promise<string | undefined> {
  const replaced = await unless(['ENOENT'], () => lstat(real));
  if (replaced?.isFile() !== true) return undefined;
  try {
    const argv = ['sh', '-c', SCRIPT, 'kube-rescue', real, temporary] as const;
    const result = await execForBytes(argv, { timeoutMs: TIMEOUT_MS }, MAX_OUTPUT_BYTES);
    if (result.exitCode !== 0) return result.stderr.split('\n').find((line) => line !== '') ?? 'sh failed';
    return attributeLossOf(result.stdout.toString());
  } catch (error) {
    if (isRecoveryError(error)) return describeError(error);
    throw error;
  }
}
