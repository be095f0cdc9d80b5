import type { Duplex } from 'node:stream';
import type { FileMode, FileStat } from './file-stat.ts';
import type { HostPath } from './host-path.ts';
import type { TreeLimits, TreeSnapshot } from './tree-snapshot.ts';

export type { FileMode, FileStat } from './file-stat.ts';

/** Options for creating or replacing a file. */
export interface WriteOptions {
  readonly mode: FileMode;
  /** Owner of the new file; default: the process's own. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /**
   * Another process runs or cleans the directory (static pod manifests, checkpoints), so the temporary file must be
   * outside it. Default: false.
   */
  readonly watched?: boolean | undefined;
  /**
   * The replaced file is kube-rescue's own: it has no access list, attributes or label that must be carried over, which takes
   * five processes. They may be carried over all the same. Default: false.
   */
  readonly isOwn?: boolean | undefined;
  /**
   * The states that may be replaced. In any other state the path is left as it is, with `HOST_CHANGED`; the replaced file is
   * compared again after the exchange, and put back when another process has written into it meanwhile.
   * Does not notice a file that another process renames to `path` between the last two system calls of the exchange, nor, where
   * the filesystem has no hard links, a write during the exchange. Default: any.
   */
  readonly replaces?: readonly EntryState[] | undefined;
}

/** What is at a path: the SHA-256 of a regular file in lower-case hexadecimal, `absent`, or `link:` and a link's target. */
export type EntryState = string;

/** Files of one machine. A missing file is a return value (`undefined`), every other failure a `HostError`. */
export interface HostFiles {
  /**
   * The content of a regular file, following links; `undefined` when the path does not exist.
   *
   * Never blocks on a FIFO and never reads a device. Reads at most 32 MiB.
   * @throws HostError `HOST_NOT_A_REGULAR_FILE` `HOST_FILE_TOO_LARGE` `HOST_PERMISSION_DENIED` `HOST_IO`
   */
  readFile(path: HostPath): Promise<Uint8Array | undefined>;
  /**
   * A part of a regular file of any size, following links: up to `length` bytes from `offset` on, fewer only at its end;
   * `undefined` when the path does not exist.
   * @throws HostError `HOST_NOT_A_REGULAR_FILE` `HOST_PERMISSION_DENIED` `HOST_IO`
   */
  readRange(
    path: HostPath,
    range: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array | undefined>;
  /** The inode at `path` itself (a link is not followed); `undefined` when the path does not exist. */
  stat(path: HostPath): Promise<FileStat | undefined>;
  /** The stored target of a symbolic link, or `undefined` when `path` is not a link. */
  readLink(path: HostPath): Promise<string | undefined>;
  /** The names in a directory, sorted; `undefined` when there is no such directory. */
  list(path: HostPath): Promise<readonly string[] | undefined>;
  /**
   * Everything at and below these paths, read at once. Does not follow links, nor read devices or FIFOs.
   * @returns `undefined` when the tree exceeds the limits, or a part cannot be read: then read one by one
   */
  readTree(paths: readonly HostPath[], limits: TreeLimits): Promise<TreeSnapshot | undefined>;
  /** Free bytes for a new file in the (nearest existing) directory. */
  freeBytes(path: HostPath): Promise<number>;
  /**
   * Checks, without writing, that a file could be written in the (nearest existing) directory, or that an existing file could be
   * replaced: not on a read-only filesystem, not immutable.
   * @throws HostError `HOST_READ_ONLY` `HOST_PERMISSION_DENIED`
   */
  assertWritable(path: HostPath): Promise<void>;

  /**
   * Replaces or creates a file so that a reader sees the old bytes or the new, never a mix: temporary file in the same
   * filesystem, fsync, rename, fsync of the directory. A link at `path` is replaced, not followed.
   * @throws HostError `HOST_NO_SPACE` `HOST_READ_ONLY` `HOST_PERMISSION_DENIED` `HOST_STAGING_UNAVAILABLE` `HOST_IO`
   * `HOST_CHANGED`; then the old file is unchanged and the temporary file is removed
   */
  writeFile(path: HostPath, data: Uint8Array, options: WriteOptions): Promise<void>;
  /**
   * As {@link HostFiles.writeFile}, for a stream too large for memory. Rethrows an error of `data`, and then leaves `path`
   * unchanged: `data` must check the end of its stream.
   */
  writeFileFrom(path: HostPath, data: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<void>;
  /** Appends `data` to a file and fsyncs it; creates it with `mode` when absent. */
  appendFile(path: HostPath, data: Uint8Array, options: { readonly mode: FileMode }): Promise<void>;
  /** Points a symbolic link at `target`, atomically. */
  writeLink(path: HostPath, target: string, options?: Pick<WriteOptions, 'owner' | 'replaces'>): Promise<void>;
  /** Removes a file or link; succeeds when it is already absent. With `replaces`, only in one of these states. */
  remove(path: HostPath, options?: Pick<WriteOptions, 'watched' | 'replaces'>): Promise<void>;
  /** Creates a directory and its missing parents. */
  makeDirectory(path: HostPath, options: { readonly mode: FileMode }): Promise<void>;
  /**
   * Gives a directory another name in the same filesystem, atomically, with everything in it; fsyncs both parents.
   * @throws HostError `HOST_NOT_FOUND` without the directory; `HOST_PATH_INVALID` when there is something at `to`, or `from` is no
   * directory; `HOST_IO` across filesystems and for a mount point. Nothing is changed then
   */
  moveDirectory(from: HostPath, to: HostPath): Promise<void>;
}

export interface ExecOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Written to the standard input, which is then closed. */
  readonly input?: Uint8Array | string | undefined;
  /** Replaces the environment. Default: PATH, HOME, language, terminal and time zone of the process, and nothing else of it. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: HostPath | undefined;
  /** Called with each line of output, for progress; a line beyond 64 KiB comes in parts. */
  readonly onLine?: ((line: string) => void) | undefined;
  /** As `onLine`, but only for the error output. */
  readonly onErrorLine?: ((line: string) => void) | undefined;
}

export interface ExecResult {
  /** Exit status; 128 + n when a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The inode of `/proc/PID/exe`: the file itself, also when another file has its name by now. */
export interface ProgramFile {
  readonly uid: number;
  readonly mode: FileMode;
}

/** Which processes are wanted: all that every given test accepts. Reading the rest of the others takes most of the time. */
export interface ProcessSelection {
  /** By the text of `/proc/PID/cgroup`. */
  readonly cgroup?: ((text: string) => boolean) | undefined;
  readonly argv?: ((argv: readonly string[]) => boolean) | undefined;
}

/** One running process of `/proc`. */
export interface ProcessInfo {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Real user ID, in the caller's user namespace; `undefined` when the adapter cannot know it. */
  readonly uid?: number | undefined;
  /** Effective user ID; `undefined` when the adapter cannot know it. */
  readonly effectiveUid?: number | undefined;
  /**
   * Owner and mode of the file that it runs, the set-user-ID bits among them; `unreadable` for a kernel thread and where
   * the caller may not read it, `undefined` when the adapter cannot know it.
   */
  readonly program?: ProgramFile | 'unreadable' | undefined;
  /** Start time in clock ticks since boot; with the pid it identifies one process permanently. */
  readonly startTicks: number;
  /** Text of `/proc/PID/cgroup`; names the pod of a container's process. */
  readonly cgroup: string;
  /** Whether it is in another network namespace than the caller: in a pod of its own, or on another node of a lab. */
  readonly hasOtherNetwork?: boolean | undefined;
}

/**
 * `starting`: the service does not run, and the service manager will start it, for example a kubelet that exits at every start
 * because its certificate has expired.
 */
export type ServiceState = 'running' | 'starting' | 'stopped' | 'unknown';
export type ServiceAction = 'start' | 'stop' | 'restart';

/** Services by name: of systemd if present, otherwise of the host's service command. */
export interface ServiceControl {
  /** `unknown` when the service manager does not know the name or cannot be asked. */
  status(name: string): Promise<ServiceState>;
  /** @throws HostError `HOST_SERVICE_UNKNOWN` `HOST_SERVICE_FAILED` */
  act(action: ServiceAction, name: string): Promise<void>;
}

/** One HTTP(S) GET from the machine. */
export interface HttpProbe {
  /** `http:` or `https:` URL. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** PEM certificates to verify the server; the answer has the result, and the request is sent in any case. */
  readonly ca?: string | undefined;
  /** PEM client certificate and key. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** Connects to this IP address instead of querying DNS; the URL's name still goes into `Host` and SNI. */
  readonly address?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** At most 4 MiB; a larger one is `HOST_ANSWER_TOO_LARGE`. Not decompressed; redirects are not followed. */
  readonly body: string;
  /** The server's clock, by the `Date` header; absent without one, and over SSH. */
  readonly date?: Date | undefined;
  /** For https: the server's certificate. */
  readonly peer?: {
    /** Upper-case hexadecimal. */
    readonly serialNumber: string;
    readonly fingerprint256: string;
    readonly validTo: Date;
    /** Whether `ca` verifies the server's certificate, its name and its dates. */
    readonly trusted: boolean;
    /** OpenSSL's reason when not trusted, for example `CERT_HAS_EXPIRED`. */
    readonly reason: string | undefined;
  };
}

/** The target of a TCP connection. */
export interface TcpTarget {
  /** Name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** For connecting only; the established connection has no limit. */
  readonly timeoutMs: number;
  /** Aborts the attempt, not the connection. */
  readonly signal?: AbortSignal | undefined;
}

/** The target of a connection to a socket in the file system. */
export interface UnixTarget {
  readonly path: HostPath;
  /** For connecting only; the established connection has no limit. */
  readonly timeoutMs: number;
  /** Aborts the attempt, not the connection. */
  readonly signal?: AbortSignal | undefined;
}

export type DnsRecordType = 'A' | 'AAAA' | 'CNAME' | 'NS' | 'SOA' | 'TXT';

/** One query to one DNS server. */
export interface DnsQuery {
  /** Absolute, with or without its last dot. */
  readonly name: string;
  readonly type: DnsRecordType;
  /** Default: the machine's resolvers, one after the other until one answers. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;
  /** Whether the server may query others. Default: true. */
  readonly recursive?: boolean | undefined;
  /** For each server. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A record of an answer; names are in lower case, without their last dot. */
export interface DnsRecord {
  readonly name: string;
  /** `TYPE257` and the like for types that {@link DnsRecordType} lacks; their value is empty. */
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** An address, a name, the joined text of a TXT record, or the primary name and serial of a SOA record. */
  readonly value: string;
}

/** The answer of a DNS server; a missing name is an answer, not an error. */
export interface DnsAnswer {
  /** `other`: `SERVFAIL`, `REFUSED` and the like. */
  readonly status: 'found' | 'no-data' | 'no-name' | 'other';
  /** For example `NOERROR`, `NXDOMAIN`, `SERVFAIL`. */
  readonly code: string;
  /** The server has the zone itself. */
  readonly authoritative: boolean;
  readonly records: readonly DnsRecord[];
  /** The authority section: the SOA record for a missing name, the NS records of a delegation. */
  readonly authoritySection: readonly DnsRecord[];
  /** `ADDRESS:PORT` of the server that answered. */
  readonly server: string;
}

/** A held lock; the kernel releases it when the process ends, even by SIGKILL. */
export interface HostLock {
  /** False when the lock was lost: its file was removed or replaced, so that another process can take the lock as well. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** One machine: its files, processes, services and loopback sockets. Adapters: local and SSH (this package). */
export interface Host extends HostFiles {
  /** Name for messages and plans: the host name, or the directory given as root. */
  readonly name: string;
  /** `live`: a running machine; `copy`: only a copy of its filesystem, without processes, services or sockets. */
  readonly kind: 'live' | 'copy';
  /** Each read is a round trip to another machine. Default: false. */
  readonly isRemote?: boolean | undefined;
  readonly services: ServiceControl;
  /** The numeric user that acts on the machine; 0 is root. */
  userId(): number;
  /**
   * Runs a program, never through a shell. A non-zero exit is a result, not an error. A program called by its name is searched only
   * in directories of PATH that no other user can write.
   * @throws HostError `HOST_EXEC_NOT_FOUND` `HOST_EXEC_TIMEOUT` `HOST_UNSUPPORTED` (on a copy)
   */
  exec(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult>;
  /** Every visible process, or those selected; an empty list on a copy. */
  processes(selection?: ProcessSelection): Promise<readonly ProcessInfo[]>;
  /**
   * Makes one request without following redirects.
   * @throws HostError `HOST_CONNECTION_FAILED`, with the reason in its message; `HOST_UNSUPPORTED` on a copy
   */
  request(probe: HttpProbe): Promise<HttpAnswer>;
  /**
   * Opens a TCP connection from the machine; the caller ends it with `destroy`.
   * @throws HostError `HOST_CONNECTION_FAILED`, with the reason in its message; `HOST_UNSUPPORTED` on a copy
   */
  connect(target: TcpTarget): Promise<Duplex>;
  /**
   * Opens a connection to a Unix socket of the machine; the caller ends it with `destroy`. Abstract sockets are not supported.
   * @throws HostError `HOST_CONNECTION_FAILED`, with the reason in its message; `HOST_UNSUPPORTED` on a copy and over SSH
   */
  connectUnix(target: UnixTarget): Promise<Duplex>;
  /**
   * Sends one query to a DNS server.
   * @throws HostError `HOST_CONNECTION_FAILED` when no server answers, `HOST_UNSUPPORTED` on a copy
   */
  resolveDns(query: DnsQuery): Promise<DnsAnswer>;
  /**
   * Takes an exclusive lock on a file, without waiting.
   * @param holder one line that identifies the holder to others
   * @throws HostError `HOST_LOCKED` with the holder's line as the subject
   */
  acquireLock(path: HostPath, holder: string): Promise<HostLock>;
}
