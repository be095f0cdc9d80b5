import {
  baseName,
  type EntryState,
  type FileStat,
  HostError,
  type HostErrorCode,
  type HostFiles,
  type HostPath,
  hostPath,
  joinPath,
  parentPath,
  readTreeOneByOne,
  temporaryPathOf,
  type TreeLimits,
  type TreeSnapshot,
} from '@kube-rescue/host';
import { sha256 } from '@kube-rescue/workflow';
import type { NodeTree, TreeEntry } from '../node/node-tree.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}
type Entry = (TreeEntry | { readonly kind: 'directory'; readonly mode: number }) & { readonly owner: Owner };

const ROOT: Owner = { uid: 0, gid: 0 };
const DIRECTORY_MODE = 0o755;
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const MAX_LINKS = 40;
const SLASH = hostPath('/');
/** Files in memory have no modification time. */
const MODIFIED_AT = new Date(0);

/** Files in memory that implement {@link HostFiles}. */
export class MemoryFiles implements HostFiles {
  readonly #entries = new Map<HostPath, Entry>([[SLASH, { kind: 'directory', mode: DIRECTORY_MODE, owner: ROOT }]]);
  readonly #freeBytes: number;

  constructor(tree: NodeTree, freeBytes: number) {
    this.#freeBytes = freeBytes;
    for (const [path, entry] of tree) {
      this.#makeDirectories(parentPath(path), DIRECTORY_MODE);
      this.#entries.set(path, { ...entry, owner: entry.owner ?? ROOT });
    }
  }

  async readFile(path: HostPath): Promise<Uint8Array | undefined> {
    const bytes = this.#bytesOf(path);
    if (bytes !== undefined && bytes.length > MAX_FILE_BYTES) throw failure('HOST_FILE_TOO_LARGE', path);
    return bytes && Uint8Array.from(bytes);
  }

  async readRange(
    path: HostPath,
    { offset, length }: Parameters<HostFiles['readRange']>[1],
  ): Promise<Uint8Array | undefined> {
    return this.#bytesOf(path)?.slice(offset, offset + length);
  }

  #bytesOf(path: HostPath): Uint8Array | undefined {
    const entry = this.#entries.get(this.#target(path));
    if (entry === undefined) return undefined;
    if (entry.kind !== 'file') throw failure('HOST_NOT_A_REGULAR_FILE', path);
    return entry.bytes;
  }

  async stat(path: HostPath): Promise<FileStat | undefined> {
    const entry = this.#entries.get(this.#entry(path));
    if (entry === undefined) return undefined;
    const rest = { ...entry.owner, modifiedAt: MODIFIED_AT };
    if (entry.kind === 'file') return { kind: 'file', mode: entry.mode, size: entry.bytes.length, ...rest };
    if (entry.kind === 'link') return { kind: 'symlink', mode: 0o777, size: entry.target.length, ...rest };
    return { kind: 'directory', mode: entry.mode, size: 0, ...rest };
  }

  async readLink(path: HostPath): Promise<string | undefined> {
    const entry = this.#entries.get(this.#entry(path));
    return entry?.kind === 'link' ? entry.target : undefined;
  }

  async list(path: HostPath): Promise<readonly string[] | undefined> {
    const directory = this.#target(path);
    if (this.#entries.get(directory)?.kind !== 'directory') return undefined;
    return [...this.#entries.keys()]
      .filter((each) => each !== SLASH && parentPath(each) === directory)
      .map(baseName)
      .toSorted();
  }

  readTree(paths: readonly HostPath[], limits: TreeLimits): Promise<TreeSnapshot | undefined> {
    return readTreeOneByOne(this, paths, limits);
  }

  async freeBytes(): Promise<number> {
    return this.#freeBytes;
  }

  /** Memory is never read-only. */
  async assertWritable(): Promise<void> {}

  async writeFile(path: HostPath, data: Uint8Array, options: Parameters<HostFiles['writeFile']>[2]): Promise<void> {
    const target = this.#newEntry(path);
    const directory = parentPath(target);
    if (options.watched === true && directory === SLASH) throw failure('HOST_STAGING_UNAVAILABLE', path);
    this.#entries.delete(temporaryPathOf(target, options.watched));
    this.#assertReplaceable(target, options.replaces);
    const { mode, owner = ROOT } = options;
    this.#entries.set(target, { kind: 'file', bytes: Uint8Array.from(data), mode, owner });
  }

  async writeFileFrom(
    path: HostPath,
    data: AsyncIterable<Uint8Array>,
    options: Parameters<HostFiles['writeFile']>[2],
  ): Promise<void> {
    this.#newEntry(path);
    await this.writeFile(path, await wholeOf(data), options);
  }

  async appendFile(path: HostPath, data: Uint8Array, { mode }: { readonly mode: number }): Promise<void> {
    const target = this.#entry(path);
    const existing = this.#entries.get(target);
    if (existing === undefined) {
      this.#entries.set(this.#newEntry(target), { kind: 'file', bytes: Uint8Array.from(data), mode, owner: ROOT });
    } else if (existing.kind === 'file') {
      this.#entries.set(target, { ...existing, bytes: Buffer.concat([existing.bytes, data]) });
    } else {
      throw failure('HOST_NOT_A_REGULAR_FILE', path);
    }
  }

  async writeLink(path: HostPath, target: string, options: Parameters<HostFiles['writeLink']>[2] = {}): Promise<void> {
    const entry = this.#newEntry(path);
    this.#entries.delete(temporaryPathOf(entry));
    this.#assertReplaceable(entry, options.replaces);
    this.#entries.set(entry, { kind: 'link', target, owner: options.owner ?? ROOT });
  }

  async remove(path: HostPath, options: Parameters<HostFiles['remove']>[1] = {}): Promise<void> {
    const entry = this.#entry(path);
    if (this.#entries.has(entry)) this.#assertReplaceable(entry, options.replaces);
    if (this.#entries.get(entry)?.kind === 'directory') throw failure('HOST_NOT_A_REGULAR_FILE', path);
    this.#entries.delete(entry);
  }

  async makeDirectory(path: HostPath, { mode }: { readonly mode: number }): Promise<void> {
    this.#makeDirectories(this.#target(path), mode);
  }

  async moveDirectory(from: HostPath, to: HostPath): Promise<void> {
    const [old, entry] = [this.#entry(from), this.#entry(to)];
    const found = this.#entries.get(old);
    if (found === undefined || this.#entries.get(parentPath(entry)) === undefined)
      throw failure('HOST_NOT_FOUND', from);
    if (found.kind !== 'directory' || this.#entries.has(entry)) throw failure('HOST_PATH_INVALID', to);
    for (const [path, each] of [...this.#entries]) {
      if (path !== old && !path.startsWith(`${old}/`)) continue;
      this.#entries.delete(path);
      this.#entries.set(hostPath(`${entry}${path.slice(old.length)}`), each);
    }
  }

  #makeDirectories(directory: HostPath, mode: number): void {
    const existing = this.#entries.get(directory);
    if (existing?.kind === 'directory') return;
    if (existing !== undefined) throw failure('HOST_PATH_INVALID', directory);
    this.#makeDirectories(parentPath(directory), mode);
    this.#entries.set(directory, { kind: 'directory', mode, owner: ROOT });
  }

  /** The path of a new entry: its parent must exist, and the path must not be a directory. */
  #newEntry(path: HostPath): HostPath {
    const entry = this.#entry(path);
    const directory = this.#entries.get(parentPath(entry));
    if (directory === undefined) throw failure('HOST_NOT_FOUND', path);
    if (directory.kind !== 'directory') throw failure('HOST_PATH_INVALID', path);
    if (this.#entries.get(entry)?.kind === 'directory') throw failure('HOST_NOT_A_REGULAR_FILE', path);
    return entry;
  }

  #assertReplaceable(path: HostPath, replaces: readonly EntryState[] | undefined): void {
    const entry = this.#entries.get(path);
    const state =
      entry?.kind === 'file' ? sha256(entry.bytes) : entry?.kind === 'link' ? `link:${entry.target}` : 'absent';
    if (replaces?.includes(state) === false) throw failure('HOST_CHANGED', path);
  }

  #entry(path: HostPath): HostPath {
    return path === SLASH ? path : joinPath(this.#target(parentPath(path)), baseName(path));
  }

  #target(path: HostPath, links = 0): HostPath {
    if (path === SLASH) return path;
    const entry = joinPath(this.#target(parentPath(path), links), baseName(path));
    const found = this.#entries.get(entry);
    if (found?.kind !== 'link') return entry;
    if (links === MAX_LINKS) throw failure('HOST_PATH_INVALID', path);
    return this.#target(joinPath(parentPath(entry), found.target), links + 1);
  }
}

/** Concatenates a stream. */
export async function wholeOf(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return Buffer.concat(pieces);
}

function failure(code: HostErrorCode, subject: HostPath): HostError {
  return new HostError({ code, message: `the file in memory: ${code}`, subject, hint: 'see the test' });
}
