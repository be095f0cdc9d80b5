import { HostError } from '../errors.ts';
import type { FileStat, Host } from '../host.ts';
import { type HostPath, hostPath, joinPath, parentPath } from '../host-path.ts';
import { readServiceAccounts } from './service-account.ts';

/** What the judgement of a path reads. */
export type TrustHost = Pick<Host, 'kind' | 'userId' | 'stat' | 'readLink' | 'readFile'>;

/** Why a user other than root could change what a path leads to. */
export interface ForeignWriter {
  /** The file, directory or link with the wrong owner or mode. */
  readonly path: HostPath;
  /** For example `user 65534 owns it`. */
  readonly reason: string;
  /** What corrects it. */
  readonly fix: string;
}

export interface TrustOptions {
  /** Whether a directory that is known to be trusted is not judged again; it is added when it was. Default: each is judged. */
  readonly known?: Set<HostPath> | undefined;
  /** Accepts the service accounts of Kubernetes (ADR 14) as owners, and is called with each. Default: refuses them. */
  readonly onServiceAccount?: ((account: { readonly name: string; readonly path: HostPath }) => void) | undefined;
  /**
   * Trusts an entry of root's in a directory with the sticky bit, where others cannot replace it, and a missing entry, which
   * must then be created without following what appears there meanwhile. Default: false.
   */
  readonly allowSticky?: boolean | undefined;
  /**
   * A directory whose files belong to the users that pods run as, such as the checkpointer's copies of Secrets. Another owner is
   * accepted below it once a directory of root's on the way lets no other user through. Default: there is none.
   */
  readonly podDirectory?: RegExp | undefined;
  /** A directory of our own: links at and below it are refused, and another owner is no mistake. Default: there is none. */
  readonly ownDirectory?: HostPath | undefined;
}

const SLASH = hostPath('/');
const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;
const SEARCHABLE_BY_OTHERS = 0o011;
/** The kernel follows `root`, `cwd`, `exe` and `fd` of a process elsewhere than to the target that it shows: proc_pid_fd(5). */
const OF_A_PROCESS = /^\/proc\/\d+\//;
/** Linux follows at most this many links for one path: path_resolution(7). */
const MAX_LINKS = 40;
/** Debian before 13 makes `/usr/local` and its directories writable for this group, which has no members (base-passwd). */
const STAFF_GID = 50;
const STAFF_DIRECTORIES = /^\/usr\/local(?:\/|$)/;

/**
 * Finds out who besides root can change what a path leads to: the owner and the mode of the file, of each directory above it
 * and of each link on the way. The rest of a path is missing: then as far as it exists.
 *
 * Trusted are root, and on a copy the user who runs this program. A directory that all can write is not trusted, with the
 * sticky bit (`/tmp`) neither: others may have created the file. Access control lists count, because their mask is the
 * group's part of the mode. Does not judge devices, the kernel's files in `/proc` and `/sys`, nor mounts of a user.
 * @returns `undefined` when only trusted users can
 */
export async function findForeignWriter(
  path: HostPath,
  deps: { readonly host: TrustHost },
  options: TrustOptions = {},
): Promise<ForeignWriter | undefined> {
  const { known, allowSticky = false, ownDirectory, podDirectory } = options;
  const judge = createJudge(deps.host, options);
  let directory = SLASH;
  // An empty first segment: the root directory itself.
  let pending = ['', ...segmentsOf(path)];
  let links = 0;
  /** Of the directory above the entry: its sticky bit protects an entry of root's. */
  let above: Judged | undefined;
  /** Only root can search a directory on the way, so that no other user reaches what is below, with any owner. */
  let isClosed = false;
  for (let segment = pending.shift(); segment !== undefined; segment = pending.shift()) {
    if (segment === '..') {
      directory = parentPath(directory);
      continue;
    }
    const entry = joinPath(directory, `./${segment}`);
    if (above !== undefined && !(allowSticky && above.isSticky)) return above;
    if (known?.has(entry) === true && podDirectory?.test(path) !== true) {
      directory = entry;
      above = undefined;
      continue;
    }
    const stat = await deps.host.stat(entry);
    if (stat === undefined) return undefined;
    const isOfPod = isClosed && stat.kind !== 'symlink' && podDirectory?.test(entry) === true;
    const found = isOfPod ? undefined : await judge(entry, stat);
    isClosed ||= stat.kind === 'directory' && stat.uid === 0 && (stat.mode & SEARCHABLE_BY_OTHERS) === 0;
    if (stat.kind === 'symlink') {
      if (found !== undefined) return found;
      if (isAtOrBelow(entry, ownDirectory) || OF_A_PROCESS.test(entry)) return aLink(entry);
      links += 1;
      if (links > MAX_LINKS) return aLink(entry);
      const target = (await deps.host.readLink(entry)) ?? '';
      if (target.startsWith('/')) directory = SLASH;
      pending = [...segmentsOf(target), ...pending];
      continue;
    }
    if (found === undefined && stat.kind === 'directory') known?.add(entry);
    above = found;
    directory = entry;
  }
  return above;
}

/**
 * Refuses a path that a user other than root can change.
 * @throws HostError `SOURCE_UNTRUSTED`, with the path, its owner or mode, and the correction
 */
export async function assertTrusted(
  path: HostPath,
  deps: { readonly host: TrustHost },
  options: TrustOptions = {},
): Promise<void> {
  const writer = await findForeignWriter(path, deps, options);
  if (writer === undefined) return;
  const where = writer.path === path ? '' : `, through ${writer.path}`;
  throw new HostError({
    code: 'SOURCE_UNTRUSTED',
    message: `not trusted${where}: ${writer.reason}`,
    subject: path,
    hint: `check its content, because another user may have written it; then: ${writer.fix}`,
  });
}

interface Judged extends ForeignWriter {
  readonly isSticky: boolean;
}

function createJudge(host: TrustHost, { onServiceAccount, ownDirectory }: TrustOptions) {
  let read: ReturnType<typeof readServiceAccounts> | undefined;
  const accounts = (of: TrustHost): ReturnType<typeof readServiceAccounts> => (read ??= readServiceAccounts(of));
  return async (path: HostPath, stat: FileStat | undefined): Promise<Judged | undefined> => {
    if (stat === undefined || stat.kind === 'other') return undefined;
    const isSticky = stat.kind === 'directory' && (stat.mode & STICKY) !== 0;
    const found = (reason: string, fix: string): Judged => ({ path, reason, fix, isSticky });
    const isOwned = stat.uid === 0 || (host.kind === 'copy' && stat.uid === host.userId());
    const account = isOwned || onServiceAccount === undefined ? undefined : (await accounts(host)).get(stat.uid);
    if (!isOwned && account === undefined) {
      // Root's own files have root as their owner from the beginning: another owner has made it.
      const isForeign = isAtOrBelow(path, ownDirectory);
      const fix = isForeign ? `move it away with mv ${path} ${path}.untrusted` : `chown -h root: ${path}`;
      return { ...found(`user ${stat.uid} owns it`, fix), isSticky: false };
    }
    if (account !== undefined) onServiceAccount?.({ name: account, path });
    // The mode of a link has no meaning: symlink(7).
    if (stat.kind === 'symlink') return undefined;
    const mode = stat.mode.toString(8).padStart(4, '0');
    const fix = isSticky ? 'move it to a directory that only root can write' : `chmod go-w ${path}`;
    if ((stat.mode & WRITABLE_BY_ALL) !== 0) return found(`every user can write it (mode ${mode})`, fix);
    if ((stat.mode & WRITABLE_BY_GROUP) !== 0 && !isStaffDirectory(path, stat)) {
      return found(`group ${stat.gid} can write it (mode ${mode})`, fix);
    }
    return undefined;
  };
}

function isStaffDirectory(path: HostPath, { kind, gid }: FileStat): boolean {
  return kind === 'directory' && gid === STAFF_GID && STAFF_DIRECTORIES.test(path);
}

function isAtOrBelow(path: HostPath, top: HostPath | undefined): boolean {
  return top !== undefined && (path === top || path.startsWith(`${top}/`));
}

function aLink(path: HostPath): ForeignWriter {
  return { path, reason: 'it is a symbolic link', fix: `replace ${path} by a file or directory of root` };
}

function segmentsOf(text: string): string[] {
  return text.split('/').filter((segment) => segment !== '' && segment !== '.');
}
