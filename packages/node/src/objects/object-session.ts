import type { ObjectAccess, ObjectSource, ObjectStore, OpenObjects } from '@kube-rescue/cluster-objects';
import type { EtcdSearch } from '../etcd/etcd-connection.ts';
import { type ObjectsVia, openNodeObjects } from './node-objects.ts';
import { describeNode, type NodeDeps, type NodeOptions } from '../node-description.ts';
import { toRecordedSearch, toSearch } from '../etcd/recorded-search.ts';
import { createSharedObjects } from './shared-objects.ts';

/** The ways to the objects of this node's cluster, each opened once and shared by all that a run does. */
export interface ObjectSession {
  /** The access that steps are given. */
  access(way: { readonly via: ObjectsVia; readonly search: EtcdSearch }): ObjectAccess;
  /** For the change kinds: opens what a change has recorded. */
  readonly open: OpenObjects;
  /** Closes every connection; the session can be used again. */
  close(): Promise<void>;
}

/** Opens nothing yet. Its ways fail as `openNodeObjects` does. */
export function createObjectSession(options: NodeOptions, deps: NodeDeps): ObjectSession {
  const shared = createSharedObjects();
  const open = (way: ObjectSource, signal: AbortSignal): Promise<ObjectStore> =>
    shared.open(JSON.stringify(way), async () => {
      const node = await describeNode(options, deps);
      return openNodeObjects(node, { via: way.via, search: toSearch(way.search) }, deps, signal);
    });
  return {
    access: ({ via, search }) => {
      const way: ObjectSource = { via, search: toRecordedSearch(search) };
      return { way, open: (signal) => open(way, signal) };
    },
    open: (way) => open(way, new AbortController().signal),
    close: () => shared.close(),
  };
}
