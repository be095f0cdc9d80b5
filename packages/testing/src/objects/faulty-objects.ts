import { contentOf, ObjectError, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { createFakeHost, type FakeHostOptions } from '../host/fake-host.ts';
import { createFakeObjectStore, type FakeObjectStore } from './fake-object-store.ts';
import type { FaultyHost } from '../host/faults.ts';

/** Machines in memory with the objects of their clusters, for the step laws. */
export interface ObjectMachines {
  makeHost(): Promise<Host>;
  /** The objects of the cluster of a host, or of a wrapped host; a faulty host makes their writes faulty too. */
  objectsOf(host: Host): ObjectStore;
  /** The objects without values that differ between runs. */
  readState(host: Host): Promise<unknown>;
}

/** Identifiers that differ between runs. */
const RANDOM = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?<="kube-rescue.dev\/created-by":")[\da-f]+/g;
const KINDS = Object.values(RESOURCE_KINDS);

/** @param plant creates the initial objects */
export function createObjectMachines(
  plant: (store: FakeObjectStore) => void,
  options: FakeHostOptions = {},
): ObjectMachines {
  const stores = new WeakMap<Host['readFile'], FakeObjectStore>();
  const storeOf = ({ readFile }: Host): FakeObjectStore => {
    const store = stores.get(readFile);
    if (store === undefined) throw new Error('this host was not made here');
    return store;
  };
  return {
    makeHost: async () => {
      const [host, store] = [createFakeHost(options), createFakeObjectStore()];
      plant(store);
      stores.set(host.readFile, store);
      return host;
    },
    objectsOf: (host) => objectsBeside(host, storeOf(host)),
    readState: (host) => readObjects(storeOf(host)),
  };
}

/** Wraps `store` with the faults of `host`. */
export function objectsBeside(host: Host, store: FakeObjectStore): ObjectStore {
  return isFaulty(host) ? withHostFaults(store, host) : store;
}

/** Every object without values that differ between runs. */
export async function readObjects(store: ObjectStore): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const kind of KINDS) {
    for await (const { object } of store.list(kind)) {
      const { creationTimestamp: _time, ...metadata } = object.metadata;
      const text = JSON.stringify(contentOf({ ...object, metadata }, true)).replace(RANDOM, '(random)');
      found.set(`${kind.kind} ${metadata.namespace}/${metadata.name}`, JSON.parse(text));
    }
  }
  return found;
}

function isFaulty(host: Host): host is FaultyHost {
  return 'guard' in host;
}

/** A failed write has an unknown outcome, as when its answer is lost. */
function withHostFaults(store: FakeObjectStore, host: FaultyHost): ObjectStore {
  const through = async <T>(target: string, perform: () => Promise<T>): Promise<T> => {
    let made: { readonly value: T } | undefined;
    try {
      await host.guard({ operation: 'object', target }, async () => {
        made = { value: await perform() };
      });
    } catch (error) {
      if (!isRecoveryError(error, 'HOST_IO')) throw error;
      throw new ObjectError({
        code: 'OBJECT_OUTCOME_UNKNOWN',
        message: 'the answer was lost',
        subject: target,
        hint: 'read the object',
      });
    }
    if (made === undefined) throw new Error('a guarded write was neither made nor refused');
    return made.value;
  };
  return {
    ...store,
    create: (kind, object) => through(object.metadata.name, () => store.create(kind, object)),
    replace: (read, edited) => through(edited.metadata.name, () => store.replace(read, edited)),
    delete: (read) => through(read.object.metadata.name, () => store.delete(read)),
  };
}
