import type { ObjectStore } from '@kube-rescue/cluster-objects';
import { isUnanswered } from '@kube-rescue/errors';
import type { NodeObjects } from './node-objects.ts';

/** ObjectSources to objects, each opened once for all who go it at the same moment. */
export interface SharedObjects {
  /** The way of this name; `make` opens it where nobody has yet, or where it was lost since. */
  open(name: string, make: () => Promise<NodeObjects>): Promise<ObjectStore>;
  /** Closes every way; what is under way is cut. */
  close(): Promise<void>;
}

interface Way {
  readonly objects: Promise<NodeObjects>;
  /** Calls that wait for an answer. */
  underWay: number;
  isLost: boolean;
}

export function createSharedObjects(): SharedObjects {
  const current = new Map<string, Way>();
  const unclosed = new Set<Way>();
  const close = async (way: Way): Promise<void> => {
    if (!unclosed.delete(way)) return;
    await (await way.objects.catch(() => undefined))?.close();
  };
  const lose = (name: string, way: Way): void => {
    way.isLost = true;
    if (current.get(name) === way) current.delete(name);
  };
  const begin = (name: string, make: () => Promise<NodeObjects>): Way => {
    const way = { objects: make(), underWay: 0, isLost: false };
    current.set(name, way);
    unclosed.add(way);
    // Whoever asks next tries again.
    way.objects.catch(() => {
      lose(name, way);
      unclosed.delete(way);
    });
    return way;
  };
  return {
    open: async (name, make) => {
      const way = current.get(name) ?? begin(name, make);
      return watched((await way.objects).store, {
        begin: () => {
          way.underWay += 1;
        },
        lose: () => lose(name, way),
        // What others still wait for is not cut: the last of them closes what is lost.
        end: async () => {
          way.underWay -= 1;
          if (way.isLost && way.underWay === 0) await close(way);
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

/** The store, telling of every call, and when it is lost. */
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
