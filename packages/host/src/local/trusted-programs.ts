import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from './fs-failure.ts';

/** Where programs are searched without a PATH. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ROOT = 0;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** Where a program is. */
export type FoundProgram =
  | { readonly file: string }
  /** Only in directories that another user can write; they do not count. */
  | { readonly file: undefined; readonly untrusted: string | undefined };

/**
 * The directories of a PATH that count: absolute ones that root or this process's user owns and no other user can write, with every
 * directory above them. So a program that another user puts before the real one, or into `.`, is not run.
 */
export function trustedDirectories(searched: string | undefined): readonly string[] {
  const given = (searched ?? '') === '' ? USUAL_PATH : (searched ?? '');
  return given.split(path.delimiter).filter((directory) => path.isAbsolute(directory) && isTrustedDirectory(directory));
}

/**
 * Finds a program by name in the directories of `searched` that count. The file, behind links, is held to the same rule. A name
 * with a slash is taken as it is.
 */
export function findProgram(program: string, searched: string | undefined): FoundProgram {
  if (program.includes('/')) return { file: program };
  const found = trustedDirectories(searched)
    .map((directory) => path.join(directory, program))
    .filter(isExecutable);
  const file = found.find(isTrustedFile);
  if (file !== undefined) return { file };
  const everywhere = (searched ?? '').split(path.delimiter).map((directory) => path.join(directory, program));
  return { file: undefined, untrusted: found[0] ?? everywhere.find(isExecutable) };
}

function isTrustedDirectory(directory: string): boolean {
  try {
    const real = realpathSync(directory);
    if (!isClosed(statSync(real))) return false;
    return parentsOf(real).every((parent) => {
      const stat = statSync(parent);
      // In a sticky directory such as /tmp users can rename only what they own.
      return isClosed(stat) || (isOwn(stat) && (stat.mode & STICKY) !== 0);
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

function isTrustedFile(file: string): boolean {
  const real = realpathSync(file);
  return isClosed(statSync(real)) && isTrustedDirectory(path.dirname(real));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function isClosed(stat: Stats): boolean {
  const isGroupClosed = (stat.mode & GROUP_WRITE) === 0 || stat.gid === ROOT || stat.gid === process.getegid?.();
  return isOwn(stat) && isGroupClosed && (stat.mode & OTHERS_WRITE) === 0;
}

function isOwn({ uid }: Stats): boolean {
  return uid === ROOT || uid === process.geteuid?.();
}

function parentsOf(directory: string): readonly string[] {
  const parent = path.dirname(directory);
  return parent === directory ? [] : [parent, ...parentsOf(parent)];
}
