import { isRecoveryError } from '@kube-rescue/errors';
import type { ObjectAccess, ObjectStore, ObjectWay, OpenObjects } from '@kube-rescue/cluster-objects';
import type { EtcdSearch } from './etcd-connection.ts';
import { type NodeObjects, type ObjectsVia, openNodeObjects } from './etcd-objects.ts';
import { describeNode, type NodeDeps, type NodeOptions } from './node-description.ts';
import { toRecordedSearch, toSearch } from './recorded-search.ts';

/** The ways to the objects of this node's cluster, each opened once and shared by all that a run does. */
export interface ObjectSession {
  /** The access that steps are given. */
  access(way: { readonly via: ObjectsVia; readonly search: EtcdSearch }): ObjectAccess;
  /** For the change kinds: opens what a change has recorded. */
  readonly open: OpenObjects;
  /** Closes every connection; the session can be used again. */
  close(): Promise<void>;
}

/** A store that cannot be reached any more is opened anew by whoever asks next: etcd and the API server restart in a recovery. */
const LOST = ['OBJECT_STORE_UNREACHABLE', 'OBJECT_OUTCOME_UNKNOWN'];

/** Opens nothing yet. Its ways fail as `openNodeObjects` does. */
export function createObjectSession(options: NodeOptions, deps: NodeDeps): ObjectSession {
  const opened = new Map<string, Promise<NodeObjects>>();
  const drop = async (key: string): Promise<void> => {
    const objects = opened.get(key);
    opened.delete(key);
    await (await objects?.catch(() => undefined))?.close();
  };
  const open = async (way: ObjectWay, signal: AbortSignal): Promise<ObjectStore> => {
    const key = JSON.stringify(way);
    let objects = opened.get(key);
    if (objects === undefined) {
      objects = describeNode(options, deps).then((node) =>
        openNodeObjects(node, { via: way.via, search: toSearch(way.search) }, deps, signal),
      );
      opened.set(key, objects);
      // Whoever asks next tries again.
      objects.catch(() => opened.delete(key));
    }
    return watched((await objects).store, () => drop(key));
  };
  return {
    access: ({ via, search }) => {
      const way: ObjectWay = { via, search: toRecordedSearch(search) };
      return { way, open: (signal) => open(way, signal) };
    },
    open: (way) => open(way, new AbortController().signal),
    close: async () => {
      await Promise.all([...opened.keys()].map(drop));
    },
  };
}

/** The store, telling when it is lost. */
function watched(store: ObjectStore, onLost: () => Promise<void>): ObjectStore {
  const noticing = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      if (LOST.some((code) => isRecoveryError(error, code))) await onLost();
      throw error;
    }
  };
  return {
    name: store.name,
    get: (...input) => noticing(store.get(...input)),
    async *list(...input) {
      try {
        yield* store.list(...input);
      } catch (error) {
        if (LOST.some((code) => isRecoveryError(error, code))) await onLost();
        throw error;
      }
    },
    create: (...input) => noticing(store.create(...input)),
    replace: (...input) => noticing(store.replace(...input)),
    delete: (...input) => noticing(store.delete(...input)),
  };
}
