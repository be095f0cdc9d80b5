import type { Change, ChangeKind } from './change.ts';

/** Change kinds by name. */
export type ChangeRegistry = ReadonlyMap<string, ChangeKind>;

/** Creates a registry; a duplicate name is a bug. */
export function createChangeRegistry(kinds: readonly ChangeKind[]): ChangeRegistry {
  const registry = new Map(kinds.map((kind) => [kind.kind, kind]));
  if (registry.size !== kinds.length) throw new Error('a change kind is registered twice');
  return registry;
}

/** The kind that owns `change`; an unregistered kind is a bug of the composition. */
export function kindOf(registry: ChangeRegistry, change: Pick<Change, 'kind'>): ChangeKind {
  const kind = registry.get(change.kind);
  if (kind === undefined) throw new Error(`unregistered change kind ${change.kind}`);
  return kind;
}
