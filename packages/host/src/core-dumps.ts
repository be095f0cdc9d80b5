import { readFile, writeFile } from 'node:fs/promises';
import { errnoOf } from './fs-failure.ts';

/** Which mappings of a process the kernel puts into its core dump; kept by children and over exec (core(5)). */
const FILTER = '/proc/self/coredump_filter';
const NOTHING = '0';

/**
 * Leaves the memory of this process, and of the programs that it starts from then on, out of core dumps: keys are in it. What
 * is dumped then are registers and the names of mapped files, also where a program such as systemd-coredump takes the dump,
 * which no limit keeps from doing so.
 *
 * Does not hide the memory from root, who may read it while the process lives, nor from swap.
 * @returns why it could not be done; `undefined` when it was, or when this kernel makes no dumps
 */
export async function leaveMemoryOutOfCoreDumps(filter: string = FILTER): Promise<string | undefined> {
  try {
    await writeFile(filter, NOTHING, { flag: 'r+' });
    const set = await readFile(filter, 'latin1');
    return Number.parseInt(set, 16) === 0 ? undefined : `${filter} holds ${set.trim()}`;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    // Not Linux, or a kernel that is built without dumps.
    return errno === 'ENOENT' ? undefined : `${filter} cannot be written (${errno})`;
  }
}
