import type { IntentRecord, RunDirectory, RunStore } from '@kube-rescue/workflow';

/** Undone as a whole or not at all; what is in objects goes back field by field. */
const FILE_KINDS = ['file.replace', 'file.remove', 'symlink.replace'];

/**
 * The later runs that have changed a file again which `run` had changed, and stand: the newest first. Its own bytes are not there
 * any more, so they have to be taken back before it.
 *
 * @throws WorkflowError `JOURNAL_CORRUPT`
 */
export async function listLaterRuns(
  run: Pick<RunDirectory, 'id' | 'state'>,
  store: Pick<RunStore, 'list'>,
): Promise<readonly string[]> {
  const own = new Set((await run.state()).activeChanges.flatMap(fileOf));
  const later = (await store.list()).filter(({ id }) => id > run.id);
  return later
    .filter(({ activeChanges }) => activeChanges.flatMap(fileOf).some((file) => own.has(file)))
    .map(({ id }) => id)
    .toReversed();
}

function fileOf({ change }: IntentRecord): readonly string[] {
  return FILE_KINDS.includes(change.kind) ? [change.target] : [];
}
