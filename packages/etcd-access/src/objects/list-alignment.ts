import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '@kube-rescue/cluster-objects';

/** What tells the elements of Kubernetes' lists apart; the first that both have counts. */
const IDENTITIES = ['uid', 'name', 'key', 'type', 'mountPath', 'ip', 'containerPort', 'port'] as const;

/**
 * For each element of `after`, the index of the element of `before` that it is a change of, or `undefined` when it is new.
 *
 * Equal elements belong together, then those of the same identity, then, in lists of the same length, those in the same
 * place. An element of `before` is used once at most.
 */
export function alignLists(before: readonly unknown[], after: readonly unknown[]): readonly (number | undefined)[] {
  const free = new Set(before.keys());
  const found: (number | undefined)[] = after.map(() => undefined);
  const claim = (matches: (index: number, place: number) => boolean): void => {
    for (const place of after.keys()) {
      if (found[place] !== undefined) continue;
      // An element most often stays in its place; looking there first keeps long lists fast.
      const index = free.has(place) && matches(place, place) ? place : [...free].find((each) => matches(each, place));
      if (index === undefined) continue;
      found[place] = index;
      free.delete(index);
    }
  };
  claim((index, place) => isDeepStrictEqual(before[index], after[place]));
  claim((index, place) => haveSameIdentity(before[index], after[place]));
  if (before.length === after.length) claim((index, place) => index === place);
  return found;
}

function haveSameIdentity(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return false;
  const identity = IDENTITIES.find((name) => a[name] !== undefined && b[name] !== undefined);
  return identity !== undefined && a[identity] === b[identity];
}
