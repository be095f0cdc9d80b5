import type { Json } from '@kube-rescue/workflow';
import type { ObjectStore } from '../object-store.ts';

/**
 * Where a run reads and writes objects. Plain data without key material: recorded with each change, so that a rollback by a
 * later process uses the same source.
 */
export type ObjectSource = {
  readonly via: 'etcd' | 'api';
  /** Paths and endpoints for opening the source; never their content. */
  readonly search: Json;
};

/** Access to the objects of one cluster during a run. */
export interface ObjectAccess {
  readonly source: ObjectSource;
  /**
   * The store, over one shared connection, opened with the first call. The creator of the access closes it.
   * @throws errors of the source: unreachable, no credentials
   */
  open(signal: AbortSignal): Promise<ObjectStore>;
}
