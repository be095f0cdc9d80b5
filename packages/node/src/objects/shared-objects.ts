import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isUnanswered } from '@kube-rescue/errors';
import type { NodeObjects } from './node-objects.ts';

/** Connections to objects, each opened once and shared by concurrent callers. */
export interface SharedObjects {
  /**
   * The connection of this name; `make` opens it when it is not open, and again for a later call when it was lost, since a caller
   * keeps it over several calls.
   */
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
  const end = async (connection: Connection): Promise<void> => {
    connection.pending -= 1;
    // A lost connection is closed when its last pending call ends.
    if (connection.isLost && connection.pending === 0) await close(connection);
  };
  let isClosed = false;
  return {
    open: async (name, make) => {
      const connect = (): Connection => current.get(name) ?? begin(name, make);
      const first = connect();
      const { store } = await first.objects;
      return reopened(store.name, {
        // After the end of the session nothing is opened again.
        begin: () => {
          const connection = isClosed ? first : connect();
          connection.pending += 1;
          return connection;
        },
        lose: (connection) => lose(name, connection),
        end,
      });
    },
    close: async () => {
      isClosed = true;
      current.clear();
      await Promise.all([...unclosed].map(close));
    },
  };
}

interface CallListener {
  readonly begin: () => Connection;
  readonly lose: (connection: Connection) => void;
  readonly end: (connection: Connection) => Promise<void>;
}

/** A store whose every call uses the connection that is open then: etcd and the API server restart in a recovery. */
function reopened(name: string, { begin, lose, end }: CallListener): ObjectStore {
  const noticed = (connection: Connection, error: unknown): unknown => {
    if (isUnanswered(error)) lose(connection);
    return error;
  };
  const call = async <T>(make: (store: ObjectStore) => Promise<T>): Promise<T> => {
    const connection = begin();
    try {
      return await make((await connection.objects).store);
    } catch (error) {
      throw noticed(connection, error);
    } finally {
      await end(connection);
    }
  };
  return {
    name,
    get: (...input) => call((store) => store.get(...input)),
    async *list(...input) {
      const connection = begin();
      try {
        yield* (await connection.objects).store.list(...input);
      } catch (error) {
        throw noticed(connection, error);
      } finally {
        await end(connection);
      }
    },
    create: (...input) => call((store) => store.create(...input)),
    replace: (...input) => call((store) => store.replace(...input)),
    delete: (...input) => call((store) => store.delete(...input)),
  };
}
