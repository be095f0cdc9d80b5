import type { ChangeRegistry } from '../plan/change-registry.ts';
import type { IntentRecord, RunHeader } from './journal-record.ts';
import { isNewer } from './record-reading.ts';

/**
 * Refuses to roll back a part of a run: a change of an unknown kind cannot be undone, and those around it may depend on it.
 * @throws WorkflowError `JOURNAL_NEWER`
 */
export function assertKnownKinds(
  intents: readonly IntentRecord[],
  kinds: ChangeRegistry,
  { path, header }: { readonly path: string; readonly header: RunHeader | undefined },
): void {
  const unknown = new Set(intents.map(({ change }) => change.kind).filter((kind) => !kinds.has(kind)));
  if (unknown.size === 0) return;
  const source = { subject: path, tool: header?.tool, version: header?.version };
  throw isNewer(`the run has changes of kind ${[...unknown].join(', ')}`, source);
}
