import { createHash } from 'node:crypto';
import { constants, lstatSync, renameSync, type Stats } from 'node:fs';
import { link, lstat, open, readlink, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { HostError } from '../errors.ts';
import type { EntryState } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { replacedName, temporaryName } from '../temporary-path.ts';
import { errnoOf, unless } from './fs-failure.ts';
import { stagingUnavailable, syncDirectory } from './staging.ts';

/** An entry to replace or remove. */
export interface Exchange {
  /** Its path on this machine. */
  readonly real: string;
  /** The directory of the temporary entries, on the same filesystem. */
  readonly staging: string;
  readonly subject: HostPath;
  /** As in `WriteOptions`. */
  readonly replaces: readonly EntryState[] | undefined;
}

/** No second name for this file: the filesystem has no hard links, or another user owns the file. */
const NO_LINKS = ['EPERM', 'EACCES', 'EMLINK', 'ENOSYS', 'EOPNOTSUPP', 'EXDEV'];

/** Creates an entry in the staging directory with `make`, then renames it to `real`; see `WriteOptions.replaces`. */
export async function replaceEntry(exchange: Exchange, make: (temporary: string) => Promise<void>): Promise<void> {
  const { real, staging, subject, replaces } = exchange;
  const temporary = path.join(staging, temporaryName(path.basename(real)));
  await unlinkIfThere(temporary);
  try {
    await make(temporary);
    if (replaces === undefined) await rename(temporary, real);
    else await exchangeEntry(temporary, { ...exchange, replaces });
  } catch (error) {
    // The first failure is reported; the next write removes a remaining temporary file.
    await unlinkIfThere(temporary).catch(() => undefined);
    throw errnoOf(error) === 'EXDEV' ? stagingUnavailable(subject) : error;
  }
  await syncBoth(exchange);
}

type Guarded = Exchange & { readonly replaces: readonly EntryState[] };

/**
 * Renames `temporary` to `real` while a second name holds the replaced file: a write into it before the rename is
 * noticed by the comparison after it. At each instant `real` is the old file or the new one, also after a crash.
 */
async function exchangeEntry(temporary: string, exchange: Guarded): Promise<void> {
  const { real, subject, replaces } = exchange;
  const held = heldPathOf(exchange);
  await unlinkIfThere(held);
  const isHeld = await hold(real, held);
  if (isHeld === 'absent') return createEntry(temporary, exchange);
  if (isHeld === 'no-links') {
    if (!replaces.includes(await stateOf(real))) throw changed(subject);
    return rename(temporary, real);
  }
  try {
    const before = await lstat(held);
    if (!replaces.includes(await stateOf(held))) throw changed(subject);
    const made = await lstat(temporary);
    // Both at once: nothing else of this process runs between the two system calls.
    if (!isSame(lstatSync(real, { throwIfNoEntry: false }), before)) throw changed(subject);
    renameSync(temporary, real);
    if (!replaces.includes(await stateOf(held))) await putBack(held, before, made, exchange);
  } finally {
    await unlinkIfThere(held);
  }
}

async function hold(real: string, held: string): Promise<'held' | 'absent' | 'no-links'> {
  try {
    await link(real, held);
    return 'held';
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ENOENT') return 'absent';
    if (NO_LINKS.includes(errno)) return 'no-links';
    throw error;
  }
}

/** link(2) does not replace an entry that another process creates meanwhile. */
async function createEntry(temporary: string, { real, subject, replaces }: Guarded): Promise<void> {
  if (!replaces.includes('absent')) throw changed(subject);
  try {
    await link(temporary, real);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw changed(subject);
    if (!NO_LINKS.includes(errnoOf(error) ?? '')) throw error;
    if ((await stateOf(real)) !== 'absent') throw changed(subject);
    return rename(temporary, real);
  }
  await unlink(temporary);
}

/** The replaced file was written to after the comparison: it takes its name again, unless another process has written there since. */
async function putBack(held: string, before: Stats, made: Stats, exchange: Guarded): Promise<never> {
  const { real, subject } = exchange;
  if (isSame(await lstat(held), before) && isSame(lstatSync(real, { throwIfNoEntry: false }), made)) {
    renameSync(held, real);
    await syncBoth(exchange);
    throw changed(subject);
  }
  // Two others wrote at once: the later one has the name, the earlier one gets a name of its own.
  const kept = `${held}.${String(Date.now())}`;
  await rename(held, kept);
  throw changed(subject, `the bytes that another process wrote before are in ${kept}`);
}

/** Removes `real` in one of the states of `replaces`. What was removed is compared, and put back when it was another. */
export async function removeEntry(exchange: Guarded): Promise<void> {
  const { real, subject, replaces } = exchange;
  const held = heldPathOf(exchange);
  const state = await stateOf(real);
  if (state === 'absent') return;
  if (!replaces.includes(state)) throw changed(subject);
  const moved = await unless(['ENOENT'], async () => {
    await rename(real, held);
    return true;
  });
  if (moved === undefined) return;
  if (!replaces.includes(await stateOf(held))) {
    await unless(['EEXIST'], () => link(held, real));
    const isBack = isSame(await unless(['ENOENT'], () => lstat(real)), await lstat(held));
    if (!isBack) throw changed(subject, `the bytes that another process wrote before are in ${held}`);
    await unlink(held);
    await syncBoth(exchange);
    throw changed(subject);
  }
  await unlink(held);
  await syncBoth(exchange);
}

function heldPathOf({ real, staging }: Exchange): string {
  return path.join(staging, replacedName(path.basename(real)));
}

async function syncBoth({ real, staging }: Exchange): Promise<void> {
  const directory = path.dirname(real);
  await syncDirectory(directory);
  if (staging !== directory) await syncDirectory(staging);
}

function isSame(one: Stats | undefined, other: Stats): boolean {
  return one !== undefined && one.ino === other.ino && one.dev === other.dev;
}

async function stateOf(entry: string): Promise<EntryState> {
  const stats = await unless(['ENOENT'], () => lstat(entry));
  if (stats === undefined) return 'absent';
  if (stats.isSymbolicLink()) return `link:${await readlink(entry)}`;
  if (!stats.isFile()) return 'other';
  const handle = await open(entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const digest = createHash('sha256');
    for await (const piece of handle.createReadStream({ autoClose: false })) digest.update(piece as Uint8Array);
    return digest.digest('hex');
  } finally {
    await handle.close();
  }
}

/** @returns whether there was a file to unlink */
export async function unlinkIfThere(file: string): Promise<boolean> {
  const removed = await unless(['ENOENT', 'ENOTDIR'], async () => {
    await unlink(file);
    return true;
  });
  return removed === true;
}

function changed(subject: HostPath, where?: string): HostError {
  const rest = where === undefined ? '' : `; ${where}`;
  return new HostError({
    code: 'HOST_CHANGED',
    message: `not overwritten: another process has changed the file meanwhile${rest}`,
    subject,
    hint: 'find the process that writes this file, then run again',
  });
}
