import { contentOf, ObjectError, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';
import { createFakeHost, type FakeHostOptions } from '../host/fake-host.ts';
import { createFakeObjectStore, type FakeObjectStore } from './fake-object-store.ts';
import type { FaultyHost } from '../host/faults.ts';

/** Machines in memory, each with the objects of a cluster beside it, for the step laws. */
export interface ObjectMachines {
  makeHost(): Promise<Host>;
  /** The objects beside a host or what was made of it; where its writes go wrong, so do theirs. */
  objectsOf(host: Host): ObjectStore;
  /** The objects as far as they are the same from run to run. */
  readState(host: Host): Promise<unknown>;
}

/** Identities that are made anew in each run. */
const RANDOM = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|(?<="kube-rescue.dev\/created-by":")[\da-f]+/g;
const KINDS = Object.values(RESOURCE_KINDS);

/** @param plant puts the objects there that a machine starts with */
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

/** `store`, whose writes go wrong where those of `host` do. */
export function objectsBeside(host: Host, store: FakeObjectStore): ObjectStore {
  return isFaulty(host) ? withHostFaults(store, host) : store;
}

/** Every object as far as it is the same from run to run. */
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

/** A write that goes wrong leaves open whether it was made, as when its answer is lost. */
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
