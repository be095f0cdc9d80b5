import type { ChangeKind } from '@kube-rescue/workflow';
import { createCreateKind } from './create-kind.ts';
import { createDeleteKind } from './delete-kind.ts';
import type { OpenObjects } from './object-targets.ts';
import { createRetry, type RetryOptions } from './retry-while-unavailable.ts';
import { createReplaceKind } from './replace-kind.ts';

/**
 * The kinds of change that objects of a cluster go through: `object.create`, `object.replace`, `object.delete`.
 *
 * @param patience for a store that goes away in between, as etcd does when it restarts. Default: none
 */
export function createObjectChangeKinds(open: OpenObjects, patience?: RetryOptions): readonly ChangeKind[] {
  const kinds = [createCreateKind(open), createReplaceKind(open), createDeleteKind(open)] as readonly ChangeKind[];
  if (patience === undefined) return kinds;
  const patiently = createRetry(patience);
  // Each of these reads before it writes, so that it may be made again.
  return kinds.map((kind) => ({
    ...kind,
    staleness: (...input) => patiently(() => kind.staleness(...input)),
    capture: (...input) => patiently(() => kind.capture(...input)),
    apply: (...input) => patiently(() => kind.apply(...input)),
    undo: (...input) => patiently(() => kind.undo(...input)),
  }));
}
