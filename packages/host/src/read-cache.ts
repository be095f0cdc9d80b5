import type { Clock } from './clock.ts';
import type { Host, ServiceControl } from './host.ts';
import type { HostPath } from './host-path.ts';
import { createKnownTree, type KnownTree } from './known-tree.ts';
import { createSilentPeers } from './silent-peers.ts';
import type { TreeSnapshot } from './tree-snapshot.ts';

/** A host whose reads are cached for one read session. */
export interface ReadCache {
  /**
   * Caches the results of `readFile`, `stat`, `list` and `readLink`, and asks no server again that was silent in this session.
   * Every other call goes to the machine.
   */
  readonly host: Host;
  /** The machine itself, uncached. Changes made through it end the session. */
  readonly machine: Host;
  /** The clock; sleeping ends the session. */
  readonly clock: Clock;
  /**
   * Reads everything at and below these paths in one request on a remote host; once a session. Throws the failures of a read.
   */
  prefetch(paths: readonly HostPath[]): Promise<void>;
  /** Ends the session: later reads go to the machine. */
  endSession(): void;
  /** Caches the result of `make` under `name` until the session ends; failures are not cached. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** Runs `action` uncached: reads go to the machine, and the session ends before and after. */
  uncached<T>(action: () => Promise<T>): Promise<T>;
}

/** A larger file is read from the machine each time. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Total of one session. */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;
const PREFETCH_LIMITS = { maxEntries: 1000, maxFileBytes: MAX_FILE_BYTES, maxBytes: MAX_TOTAL_BYTES };
/** The longest session: other programs change files too. */
const MAX_SESSION_MS = 10_000;
/** The kernel generates these on each read. */
const VOLATILE = /^\/(?:proc|sys)\//;

/**
 * Caches reads within one read session, so that many functions can share one read of a node.
 *
 * A session ends with any change, program or lock made through `host` or `machine`, with any sleep on `clock`, with
 * `endSession`, and after ten seconds. A missing file is cached, a failure is not. Files over 1 MiB, /proc and /sys, processes,
 * services and answers to requests are never cached. The session does not notice changes by other programs: code that writes compares
 * digests on `machine`.
 */
export function createReadCache({ host, clock }: { readonly host: Host; readonly clock: Clock }): ReadCache {
  let session = createSession(clock);
  let bypasses = 0;
  const peers = createSilentPeers({ host, clock });
  const renew = (): void => {
    session = createSession(clock);
  };
  const endSession = (): void => {
    renew();
    peers.forget();
  };
  const around = async <T>(end: () => void, action: () => Promise<T>): Promise<T> => {
    end();
    try {
      return await action();
    } finally {
      end();
    }
  };
  const ending = <T>(action: () => Promise<T>): Promise<T> => around(endSession, action);
  // A look runs programs and takes the lock of the run, which bring no server back; a wait after a change sleeps.
  const renewing = <T>(action: () => Promise<T>): Promise<T> => around(renew, action);
  const remembered = <T>(key: string, read: () => Promise<T>, sizeOf?: (value: T) => number): Promise<T> => {
    if (bypasses > 0) return read();
    if (session.isOver()) renew();
    return session.remember(key, read, sizeOf);
  };
  const machine = endingSession(host, ending, renewing);
  const readOnce = async <K extends keyof KnownTree>(
    name: K,
    path: HostPath,
    files: Reads,
    sizeOf?: (value: Awaited<ReturnType<Reads[K]>>) => number,
  ): Promise<Awaited<ReturnType<Reads[K]>>> => {
    const read = (): Promise<Awaited<ReturnType<Reads[K]>>> =>
      files[name](path) as Promise<Awaited<ReturnType<Reads[K]>>>;
    if (VOLATILE.test(path) || bypasses > 0) return read();
    if (session.isOver()) renew();
    const known = session.tree()?.[name](path) as { readonly value: Awaited<ReturnType<Reads[K]>> } | undefined;
    return known === undefined ? remembered(`${name} ${path}`, read, sizeOf) : known.value;
  };
  return {
    machine,
    host: {
      ...machine,
      readFile: async (path) => {
        const bytes = await readOnce('readFile', path, host, (read) => read?.length ?? 0);
        // A copy, so that no caller changes the bytes of another.
        return bytes && new Uint8Array(bytes);
      },
      stat: (path) => readOnce('stat', path, host),
      list: (path) => readOnce('list', path, host),
      readLink: (path) => readOnce('readLink', path, host),
      request: (probe) => (bypasses > 0 ? host.request(probe) : peers.request(probe)),
    },
    prefetch: async (paths) => {
      if (bypasses > 0 || host.isRemote !== true) return;
      if (session.isOver()) renew();
      await session.prefetch(() => host.readTree(paths, PREFETCH_LIMITS));
    },
    clock: {
      now: () => clock.now(),
      sleep: async (ms, signal) => {
        renew();
        // Not before: others go on meanwhile.
        await clock.sleep(ms, signal).finally(endSession);
      },
    },
    endSession,
    once: (name, make) => remembered(`once ${name}`, make),
    uncached: async (action) => {
      bypasses += 1;
      try {
        return await ending(action);
      } finally {
        bypasses -= 1;
      }
    },
  };
}

type Reads = Pick<Host, keyof KnownTree>;

interface Session {
  /** Reads a tree, once. */
  prefetch(read: () => Promise<TreeSnapshot | undefined>): Promise<void>;
  tree(): KnownTree | undefined;
  isOver(): boolean;
  remember<T>(key: string, read: () => Promise<T>, sizeOf?: (value: T) => number): Promise<T>;
}

function createSession(clock: Clock): Session {
  const values = new Map<string, Promise<unknown>>();
  let startedAt: number | undefined;
  let known: KnownTree | undefined;
  let fetching: Promise<void> | undefined;
  let totalBytes = 0;
  return {
    isOver: () => {
      if (startedAt === undefined) return false;
      const ageMs = clock.now().getTime() - startedAt;
      // After the clock was set back the age is unknown.
      return ageMs < 0 || ageMs > MAX_SESSION_MS;
    },
    tree: () => known,
    prefetch: async (read) => {
      startedAt ??= clock.now().getTime();
      fetching ??= read().then((tree) => {
        if (tree !== undefined) known = createKnownTree(tree);
      });
      await fetching;
    },
    remember: <T>(key: string, read: () => Promise<T>, sizeOf: (value: T) => number = () => 0): Promise<T> => {
      startedAt ??= clock.now().getTime();
      const earlier = values.get(key);
      // The key contains the operation, which determines the type of its value.
      if (earlier !== undefined) return earlier as Promise<T>;
      const value = read().then(
        (result) => {
          const bytes = sizeOf(result);
          totalBytes += bytes;
          if (bytes > MAX_FILE_BYTES || totalBytes > MAX_TOTAL_BYTES) {
            totalBytes -= bytes;
            values.delete(key);
          }
          return result;
        },
        (error: unknown) => {
          values.delete(key);
          throw error;
        },
      );
      values.set(key, value);
      return value;
    },
  };
}

type Around = <T>(action: () => Promise<T>) => Promise<T>;

/** `host`, with every call that can change the machine made within `ending`, or `renewing` where it only may. */
function endingSession(host: Host, ending: Around, renewing: Around): Host {
  const services: ServiceControl = {
    status: (name) => host.services.status(name),
    act: (action, name) => ending(() => host.services.act(action, name)),
  };
  return {
    ...host,
    services,
    writeFile: (...input) => ending(() => host.writeFile(...input)),
    writeFileFrom: (...input) => ending(() => host.writeFileFrom(...input)),
    appendFile: (...input) => ending(() => host.appendFile(...input)),
    writeLink: (...input) => ending(() => host.writeLink(...input)),
    remove: (...input) => ending(() => host.remove(...input)),
    makeDirectory: (...input) => ending(() => host.makeDirectory(...input)),
    moveDirectory: (...input) => ending(() => host.moveDirectory(...input)),
    exec: (...input) => renewing(() => host.exec(...input)),
    acquireLock: (...input) => renewing(() => host.acquireLock(...input)),
  };
}
