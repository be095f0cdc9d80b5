import { isRecoveryError } from '@kube-rescue/errors';
import type { ChangeRegistry } from '../plan/change-registry.ts';
import type { Change } from '../plan/change.ts';
import type { IntentRecord, RunHeader } from './journal-record.ts';
import { isCorrupt, isNewer } from './record-reading.ts';

/**
 * Refuses to roll back a part of a run: a change of an unknown kind, or one without the fields of its kind, cannot be
 * undone, and those around it may depend on it.
 * @throws WorkflowError `JOURNAL_NEWER` `JOURNAL_CORRUPT`
 */
export function assertKnownKinds(
  intents: readonly IntentRecord[],
  kinds: ChangeRegistry,
  { path, header }: { readonly path: string; readonly header: RunHeader | undefined },
): void {
  const unknown = new Set(intents.map(({ change }) => change.kind).filter((kind) => !kinds.has(kind)));
  if (unknown.size > 0) {
    const source = { subject: path, tool: header?.tool, version: header?.version };
    throw isNewer(`the run has changes of kind ${[...unknown].join(', ')}`, source);
  }
  for (const { seq, change } of intents) {
    if (tryDescribe(kinds, change) !== undefined) continue;
    throw isCorrupt(`undo record ${seq} lacks fields of ${change.kind}`, path);
  }
}

/** One line for a change of a journal, also for one of an unknown kind. */
export function describeChange(kinds: ChangeRegistry, change: Change): string {
  return tryDescribe(kinds, change) ?? `${change.kind} ${change.target}`;
}

/** A change from a journal may lack any field but its kind and target. */
function tryDescribe(kinds: ChangeRegistry, change: Change): string | undefined {
  try {
    return kinds.get(change.kind)?.describe(change);
  } catch (error) {
    if (error instanceof TypeError || isRecoveryError(error)) return undefined;
    throw error;
  }
}
