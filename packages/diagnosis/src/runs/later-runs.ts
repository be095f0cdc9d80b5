import type { IntentRecord, RunDirectory, RunStore } from '@kube-rescue/workflow';

/** Rolled back as whole files; objects are rolled back field by field. */
const FILE_KINDS = ['file.replace', 'file.remove', 'symlink.replace'];

/**
 * The later runs with active changes to a file that `run` had changed, newest first. They must be rolled back before `run`,
 * because the file no longer holds the bytes of `run`.
 *
 * Runs that cannot be read are not among them: their files are left where they do not hold the bytes of `run`.
 * @throws WorkflowError `JOURNAL_CORRUPT` `JOURNAL_LOST` `JOURNAL_NEWER`
 */
export async function listLaterRuns(
  run: Pick<RunDirectory, 'id' | 'state'>,
  store: Pick<RunStore, 'list'>,
): Promise<readonly string[]> {
  const own = new Set((await run.state()).activeChanges.flatMap(fileOf));
  const runs = await store.list();
  const later = runs.slice(runs.findIndex(({ id }) => id === run.id) + 1);
  return later
    .filter(({ activeChanges }) => activeChanges.flatMap(fileOf).some((file) => own.has(file)))
    .map(({ id }) => id)
    .toReversed();
}

function fileOf({ change }: IntentRecord): readonly string[] {
  return FILE_KINDS.includes(change.kind) ? [change.target] : [];
}
