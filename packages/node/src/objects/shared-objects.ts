import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isUnanswered } from '@kube-rescue/errors';
import type { NodeObjects } from './node-objects.ts';

/** Connections to objects, each opened once and shared by concurrent callers. */
export interface SharedObjects {
  /** The connection of this name; `make` opens it when it is not open, or was lost. */
  open(name: string, make: () => Promise<NodeObjects>): Promise<ObjectStore>;
  /** Closes every connection; calls that wait for an answer fail. */
  close(): Promise<void>;
}

interface Connection {
  readonly objects: Promise<NodeObjects>;
  /** Calls that wait for an answer. */
  pending: number;
  isLost: boolean;
}

export function createSharedObjects(): SharedObjects {
  const current = new Map<string, Connection>();
  const unclosed = new Set<Connection>();
  const close = async (connection: Connection): Promise<void> => {
    if (!unclosed.delete(connection)) return;
    await (await connection.objects.catch(() => undefined))?.close();
  };
  const lose = (name: string, connection: Connection): void => {
    connection.isLost = true;
    if (current.get(name) === connection) current.delete(name);
  };
  const begin = (name: string, make: () => Promise<NodeObjects>): Connection => {
    const connection = { objects: make(), pending: 0, isLost: false };
    current.set(name, connection);
    unclosed.add(connection);
    // The next caller tries again.
    connection.objects.catch(() => {
      lose(name, connection);
      unclosed.delete(connection);
    });
    return connection;
  };
  return {
    open: async (name, make) => {
      const connection = current.get(name) ?? begin(name, make);
      return watched((await connection.objects).store, {
        begin: () => {
          connection.pending += 1;
        },
        lose: () => lose(name, connection),
        // A lost connection is closed when its last pending call ends.
        end: async () => {
          connection.pending -= 1;
          if (connection.isLost && connection.pending === 0) await close(connection);
        },
      });
    },
    close: async () => {
      current.clear();
      await Promise.all([...unclosed].map(close));
    },
  };
}

interface CallListener {
  readonly begin: () => void;
  readonly lose: () => void;
  readonly end: () => Promise<void>;
}

/** The store with a listener for every call and for a lost connection. */
function watched(store: ObjectStore, { begin, lose, end }: CallListener): ObjectStore {
  const noticed = (error: unknown): unknown => {
    // The next caller opens the store again: etcd and the API server restart in a recovery.
    if (isUnanswered(error)) lose();
    return error;
  };
  const call = async <T>(make: () => Promise<T>): Promise<T> => {
    begin();
    try {
      return await make();
    } catch (error) {
      throw noticed(error);
    } finally {
      await end();
    }
  };
  return {
    name: store.name,
    get: (...input) => call(() => store.get(...input)),
    async *list(...input) {
      begin();
      try {
        yield* store.list(...input);
      } catch (error) {
        throw noticed(error);
      } finally {
        await end();
      }
    },
    create: (...input) => call(() => store.create(...input)),
    replace: (...input) => call(() => store.replace(...input)),
    delete: (...input) => call(() => store.delete(...input)),
  };
}
