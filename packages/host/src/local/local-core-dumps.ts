import { readFile } from 'node:fs/promises';
import { isRecoveryError } from '@kube-rescue/errors';
import { errnoOf } from './fs-failure.ts';
import { execLocally } from './local-exec.ts';

const LIMITS = '/proc/self/limits';
const PATTERN = '/proc/sys/kernel/core_pattern';
const TIMEOUT_MS = 5_000;

/**
 * Disables core dumps of this process and of programs started later: keys are in its memory, and parts of them in the
 * registers of its threads.
 *
 * With a limit of 0 the kernel still pipes dumps to a program such as systemd-coredump. A limit of one byte prevents that, and
 * is too small for a file (Linux `fs/coredump.c`). Node cannot set it; `prlimit` of util-linux can.
 * @returns why it failed; `undefined` on success, or when this kernel makes no dumps
 */
export async function preventCoreDumps(program = 'prlimit'): Promise<string | undefined> {
  const [limit, pattern] = [await readSoftLimit(), await readText(PATTERN)];
  if (limit === undefined || pattern === undefined) return undefined;
  if (limit === '1' || (limit === '0' && /^[^|@]/.test(pattern))) return undefined;
  try {
    await execLocally([program, `--pid=${process.pid}`, '--core=1:'], { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return `${program}: ${error.message}`;
  }
  const now = await readSoftLimit();
  return now === '1' ? undefined : `${program} has left the limit at ${now ?? 'an unknown size'}`;
}

async function readSoftLimit(): Promise<string | undefined> {
  return /^Max core file size +(\S+)/m.exec((await readText(LIMITS)) ?? '')?.[1];
}

/** `undefined` when not on Linux, or on a kernel without core dumps. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
