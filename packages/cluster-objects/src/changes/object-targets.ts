import type { ObjectStore, StoredObject } from '../object-store.ts';
import { findKind } from '../objects/resource-kind.ts';
import type { ObjectChange } from './object-changes.ts';
import type { ObjectSource } from './object-source.ts';

/** Opens a recorded source. The connection is shared; the provider of this function closes it. */
export type OpenObjects = (source: ObjectSource) => Promise<ObjectStore>;

/** The present target object of a change. */
export async function readTarget(store: ObjectStore, { object }: ObjectChange): Promise<StoredObject | undefined> {
  const { kind, name, namespace } = object;
  return store.get({ kind: findKind(kind), name, namespace: namespace ?? undefined });
}

/** The source of a change, for messages. */
export function sourceOf({ way }: ObjectChange): string {
  return way.via === 'etcd' ? 'in etcd' : 'through the API server';
}
