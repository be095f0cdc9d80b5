import type { Change, ChangeKind } from './change.ts';

/** The change kinds that a run knows, by name. */
export type ChangeRegistry = ReadonlyMap<string, ChangeKind>;

/** Makes a registry; a name that is given twice is a bug. */
export function createChangeRegistry(kinds: readonly ChangeKind[]): ChangeRegistry {
  const registry = new Map(kinds.map((kind) => [kind.kind, kind]));
  if (registry.size !== kinds.length) throw new Error('a change kind is registered twice');
  return registry;
}

/** The kind that owns `change`; a kind that nobody registered is a bug of the composition. */
export function kindOf(registry: ChangeRegistry, change: Pick<Change, 'kind'>): ChangeKind {
  const kind = registry.get(change.kind);
  if (kind === undefined) throw new Error(`no package registered the change kind ${change.kind}`);
  return kind;
}
