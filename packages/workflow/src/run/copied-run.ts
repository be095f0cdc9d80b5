import { copyOnly, type Host } from '@kube-rescue/host';
import type { IntentRecord } from '../journal/journal-record.ts';
import type { ChangeRegistry } from '../plan/change-registry.ts';

/** Kinds of change that need the files of a host only; every other kind needs a running machine or cluster. */
const FILE_KINDS: readonly string[] = ['file.replace', 'file.remove', 'symlink.replace'];
const MOST_NAMED = 5;

/**
 * Refuses to undo or resume a run in a copy of a node's files when any of its active changes is more than a file: its journal
 * names the real workers, the real API server and the services of this machine.
 *
 * @throws HostError `HOST_COPY`, which names the changes
 */
export function assertFilesOnly(
  changes: readonly Pick<IntentRecord, 'change'>[],
  { host, kinds }: { readonly host: Pick<Host, 'kind' | 'name'>; readonly kinds: ChangeRegistry },
): void {
  if (host.kind === 'live') return;
  // A kind that is not known is refused on every host.
  const others = changes.filter(
    ({ change }) => !FILE_KINDS.includes(change.kind) && kinds.get(change.kind) !== undefined,
  );
  if (others.length === 0) return;
  const named = others.slice(0, MOST_NAMED).map(({ change }) => {
    return kinds.get(change.kind)?.describe(change) ?? `${change.kind} ${change.target}`;
  });
  const more = others.length > named.length ? [`${others.length - named.length} more`] : [];
  throw copyOnly(`changes of the run on a running machine or cluster: ${[...named, ...more].join('; ')}`, host.name);
}
