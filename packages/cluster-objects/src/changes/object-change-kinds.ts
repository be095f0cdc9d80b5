import type { ChangeKind } from '@kube-rescue/workflow';
import { createCreateKind } from './create-kind.ts';
import { createDeleteKind } from './delete-kind.ts';
import type { OpenObjects } from './object-targets.ts';
import { createRetry, type RetryOptions } from './retry-while-unavailable.ts';
import { createReplaceKind } from './replace-kind.ts';

/**
 * The change kinds for objects of a cluster: `object.create`, `object.replace`, `object.delete`.
 *
 * @param retry while the store is unavailable, as etcd is during a restart. Default: no retry
 */
export function createObjectChangeKinds(open: OpenObjects, retry?: RetryOptions): readonly ChangeKind[] {
  const kinds = [createCreateKind(open), createReplaceKind(open), createDeleteKind(open)] as readonly ChangeKind[];
  if (retry === undefined) return kinds;
  const withRetry = createRetry(retry);
  // Each method reads before it writes, so it can be retried.
  return kinds.map((kind) => ({
    ...kind,
    staleness: (...input) => withRetry(() => kind.staleness(...input)),
    capture: (...input) => withRetry(() => kind.capture(...input)),
    apply: (...input) => withRetry(() => kind.apply(...input)),
    undo: (...input) => withRetry(() => kind.undo(...input)),
  }));
}
