import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '@kube-rescue/cluster-objects';

/** Identifying fields of elements in Kubernetes' lists; the first one that both have counts. */
const IDENTITIES = ['uid', 'name', 'key', 'type', 'mountPath', 'ip', 'containerPort', 'port'] as const;

/**
 * For each element of `after`, the index of its element in `before`, or `undefined` when it is new.
 *
 * Matches equal elements first, then those with the same identity, then, in lists of the same length, those at the same
 * index. Each element of `before` is matched at most once.
 */
export function alignLists(before: readonly unknown[], after: readonly unknown[]): readonly (number | undefined)[] {
  const free = new Set(before.keys());
  const found: (number | undefined)[] = after.map(() => undefined);
  const claim = (matches: (index: number, position: number) => boolean): void => {
    for (const position of after.keys()) {
      if (found[position] !== undefined) continue;
      // Most elements keep their index; trying it first keeps long lists fast.
      const index =
        free.has(position) && matches(position, position)
          ? position
          : [...free].find((each) => matches(each, position));
      if (index === undefined) continue;
      found[position] = index;
      free.delete(index);
    }
  };
  claim((index, position) => isDeepStrictEqual(before[index], after[position]));
  claim((index, position) => haveSameIdentity(before[index], after[position]));
  if (before.length === after.length) claim((index, position) => index === position);
  return found;
}

function haveSameIdentity(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return false;
  const identity = IDENTITIES.find((name) => a[name] !== undefined && b[name] !== undefined);
  return identity !== undefined && a[identity] === b[identity];
}
