import type { Json } from '@kube-rescue/workflow';
import type { ObjectStore } from '../object-store.ts';

/**
 * How a run comes by the objects: through which door, and what was said about where that is. Plain data without key
 * material: each change carries it, so that a later process that takes the change back comes the same way.
 */
export type ObjectSource = {
  readonly via: 'etcd' | 'api';
  /** Of meaning to whoever opens the way; paths and endpoints, never what is in them. */
  readonly search: Json;
};

/** The objects of one cluster for the time of a run. */
export interface ObjectAccess {
  readonly way: ObjectSource;
  /**
   * The store, over a connection that is opened when it is first needed and shared by all who ask. Whoever made the access
   * closes it, nobody else.
   * @throws as the way: nobody there, no credentials
   */
  open(signal: AbortSignal): Promise<ObjectStore>;
}
