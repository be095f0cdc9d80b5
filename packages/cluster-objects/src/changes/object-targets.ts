import type { ObjectStore, StoredObject } from '../object-store.ts';
import { findKind } from '../objects/resource-kind.ts';
import type { ObjectChange } from './object-changes.ts';
import type { ObjectSource } from './object-source.ts';

/** Opens a way that a change has recorded. The connection is shared; whoever hands this in closes it. */
export type OpenObjects = (way: ObjectSource) => Promise<ObjectStore>;

/** The object that a change is about, as it is now. */
export async function readTarget(store: ObjectStore, { object }: ObjectChange): Promise<StoredObject | undefined> {
  const { kind, name, namespace } = object;
  return store.get({ kind: findKind(kind), name, namespace: namespace ?? undefined });
}

/** How a person is told which door a change goes through. */
export function sourceOf({ way }: ObjectChange): string {
  return way.via === 'etcd' ? 'in etcd' : 'through the API server';
}
