import type { ObjectAccess, ObjectSource, ObjectStore, OpenObjects } from '@kube-rescue/cluster-objects';
import type { EtcdSearch } from '../etcd/etcd-connection.ts';
import { type ObjectsVia, openNodeObjects } from './node-objects.ts';
import type { NodeDeps, NodeDescription } from '../node-description.ts';
import { toRecordedSearch, toSearch } from '../etcd/recorded-search.ts';
import { createSharedObjects } from './shared-objects.ts';

/** The objects of this node's cluster, from etcd or the API server; each source is opened once and shared within a run. */
export interface ObjectSession {
  /** Access for steps. */
  access(source: { readonly via: ObjectsVia; readonly search: EtcdSearch }): ObjectAccess;
  /** For change kinds: opens the recorded source of a change. */
  readonly open: OpenObjects;
  /** Closes every connection; the session can be used again. */
  close(): Promise<void>;
}

/** Opens nothing yet. Its stores fail as `openNodeObjects` does. */
export function createObjectSession(describe: () => Promise<NodeDescription>, deps: NodeDeps): ObjectSession {
  const shared = createSharedObjects();
  const open = (source: ObjectSource, signal: AbortSignal): Promise<ObjectStore> =>
    shared.open(JSON.stringify(source), async () =>
      openNodeObjects(await describe(), { via: source.via, search: toSearch(source.search) }, deps, signal),
    );
  return {
    access: ({ via, search }) => {
      const source: ObjectSource = { via, search: toRecordedSearch(search) };
      return { source, open: (signal) => open(source, signal) };
    },
    open: (source) => open(source, new AbortController().signal),
    close: () => shared.close(),
  };
}
