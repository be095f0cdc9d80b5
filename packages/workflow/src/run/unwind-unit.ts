import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { BackupDirectory, UndoOutcome, UndoPreview } from '../plan/change.ts';
import { kindOf } from '../plan/change-registry.ts';
import { sha256 } from '../plan/digest.ts';
import type { IntentRecord, JournalRecord } from '../journal/journal-record.ts';
import type { Unit } from './units.ts';
import type { NotReverted, ReplacedBytes, UnwindDeps, Unwound } from './unwound.ts';

const PART = 1000;

/** What undoing one unit needs. */
interface UnitDeps extends UnwindDeps {
  /** Keeps the bytes that an undo replaces, and has the old ones. */
  readonly backup: BackupDirectory;
}

type Preview = UndoPreview | { readonly state: 'failed'; readonly reason: string };
type Obstacle = Extract<Preview, { readonly reason: string }>;

/**
 * Rolls one unit back, newest change first, or leaves all of it. Previews every change before the first undo; when an undo finds
 * its target changed after that, or fails, the undos before it are undone.
 */
export async function unwindUnit(unit: Unit, given: UnwindDeps): Promise<Unwound> {
  const { backup } = given.run;
  const deps: UnitDeps = { ...given, backup: given.isFailing === true ? inMemory(backup) : backup };
  const previews = await previewUnit(unit, deps);
  const obstacles = new Map([...previews].flatMap(([seq, each]) => ('reason' in each ? [[seq, each] as const] : [])));
  if (obstacles.size > 0) return leaveUnit(unit, previews, obstacles, deps);
  let replaced: readonly ReplacedBytes[];
  try {
    replaced = await recordReplaced(unit, previews, deps);
  } catch (error) {
    return leaveUnit(unit, previews, failAll(unit, error), deps);
  }
  const undone: IntentRecord[] = [];
  const outcomes = new Map<number, UndoOutcome>();
  for (const intent of unit) {
    if (!previews.has(intent.seq)) previews.set(intent.seq, await previewOf(intent, deps));
    const found = previews.get(intent.seq);
    const obstacle = found !== undefined && 'reason' in found ? found : await undoOne(intent, outcomes, deps);
    if (obstacle === undefined) {
      undone.push(intent);
      continue;
    }
    obstacles.set(intent.seq, obstacle);
    for (const each of undone.toReversed()) {
      const failure = await takeBack(each, outcomes.get(each.seq), previews.get(each.seq), deps);
      if (failure !== undefined) obstacles.set(each.seq, { state: 'failed', reason: failure });
    }
    return leaveUnit(unit, previews, obstacles, deps);
  }
  try {
    await record([...outcomes], deps);
  } catch (error) {
    return { ...(await leaveUnit(unit, previews, failAll(unit, error), deps)), replaced };
  }
  for (const { seq, change } of unit) {
    const text = kindOf(deps.kinds, change).describe(change);
    deps.onEvent({ type: 'undo', change, text, state: outcomes.get(seq)?.state ?? 'already' });
  }
  return { undone: unit.length, notReverted: [], replaced };
}

function failAll(unit: Unit, error: unknown): ReadonlyMap<number, Obstacle> {
  return new Map(unit.map(({ seq }) => [seq, { state: 'failed', reason: describeError(error) }]));
}

/** Previews the newest change of each target; an older one finds what the newer one restores, and waits until then. */
async function previewUnit(unit: Unit, deps: UnitDeps): Promise<Map<number, Preview>> {
  const previews = new Map<number, Preview>();
  const seen = new Set<string>();
  for (const intent of unit) {
    if (!seen.has(intent.change.target)) previews.set(intent.seq, await previewOf(intent, deps));
    seen.add(intent.change.target);
  }
  return previews;
}

async function previewOf({ change, captured }: IntentRecord, { kinds, backup }: UnitDeps): Promise<Preview> {
  const ready = { state: 'ready', kept: undefined, replaced: undefined } as const;
  try {
    return (await kindOf(kinds, change).previewUndo?.(change, captured, backup)) ?? ready;
  } catch (error) {
    return { state: 'failed', reason: describeError(error) };
  }
}

/** A failing run needs its reserved disk space for the old bytes. What it replaces it wrote itself, moments before. */
function inMemory(backup: BackupDirectory): BackupDirectory {
  const kept = new Map<string, Uint8Array>();
  return {
    keep: async (data) => {
      kept.set(sha256(data), data);
      return sha256(data);
    },
    read: async (name) => kept.get(name) ?? (await backup.read(name)),
  };
}

/** The names of the replaced bytes are in the journal before the first file is replaced. */
async function recordReplaced(
  unit: Unit,
  previews: ReadonlyMap<number, Preview>,
  { run, clock, isFailing }: UnitDeps,
): Promise<readonly ReplacedBytes[]> {
  if (isFailing === true) return [];
  const at = clock.now().toISOString();
  const replaced: ReplacedBytes[] = [];
  const records: JournalRecord[] = [];
  for (const { seq, change } of unit) {
    const preview = previews.get(seq);
    if (preview?.state !== 'ready' || preview.kept === undefined) continue;
    const kept = await run.backup.locate(preview.kept);
    if (kept === undefined) continue;
    records.push({ type: 'replaced', seq, kept: preview.kept, at });
    replaced.push({ target: change.target, kept });
  }
  await appendAll(records, run);
  return replaced;
}

/** @returns why the change could not be undone; `undefined` when it was */
async function undoOne(
  { seq, change, captured }: IntentRecord,
  outcomes: Map<number, UndoOutcome>,
  { kinds, run }: UnwindDeps,
): Promise<Obstacle | undefined> {
  try {
    const outcome = await kindOf(kinds, change).undo(change, captured, run.backup);
    if (outcome.state === 'foreign') return outcome;
    outcomes.set(seq, outcome);
    return undefined;
  } catch (error) {
    return { state: 'failed', reason: describeError(error) };
  }
}

/** @returns why the undo could not be undone; `undefined` when it was, or had changed nothing */
async function takeBack(
  { change }: IntentRecord,
  outcome: UndoOutcome | undefined,
  preview: Preview | undefined,
  { kinds, backup }: UnitDeps,
): Promise<string | undefined> {
  if (outcome?.state !== 'undone' || preview?.state !== 'ready') return undefined;
  if (preview.replaced === undefined) return `${change.target} is rolled back already`;
  try {
    const again = await kindOf(kinds, change).undo(change, preview.replaced, backup);
    return again.state === 'foreign' ? again.reason : undefined;
  } catch (error) {
    return `${change.target} is rolled back already: ${describeError(error)}`;
  }
}

/** Leaves every change of the unit, and says for each why. A change that is not in effect has nothing to say. */
async function leaveUnit(
  unit: Unit,
  previews: ReadonlyMap<number, Preview>,
  obstacles: ReadonlyMap<number, Obstacle>,
  deps: UnitDeps,
): Promise<Unwound> {
  const { run, kinds, onEvent } = deps;
  const blocking = unit.filter(({ seq }) => obstacles.has(seq)).map(({ change }) => change.target);
  const notReverted: NotReverted[] = [];
  const outcomes: (readonly [number, UndoOutcome])[] = [];
  for (const { seq, change, captured } of unit) {
    const text = kindOf(kinds, change).describe(change);
    const obstacle = obstacles.get(seq);
    if (obstacle === undefined && previews.get(seq)?.state === 'already') {
      outcomes.push([seq, { state: 'already' }]);
      continue;
    }
    const reason = obstacle?.reason ?? `${change.target} belongs to ${blocking.join(', ')}; left with it`;
    const old = keptOf(captured);
    notReverted.push({ change, reason, old: old === undefined ? undefined : await run.backup.locate(old) });
    if (obstacle?.state !== 'failed') outcomes.push([seq, { state: 'foreign', reason }]);
    onEvent({ type: 'undo', change, text, state: obstacle?.state ?? 'foreign' });
  }
  await record(outcomes, deps).catch((error: unknown) => {
    // Already reported; the disk of the journal may be the obstacle.
    if (!isRecoveryError(error)) throw error;
  });
  return { undone: unit.length - notReverted.length, notReverted, replaced: [] };
}

function keptOf(captured: IntentRecord['captured']): string | undefined {
  if (typeof captured !== 'object' || captured === null || !('kept' in captured)) return undefined;
  return typeof captured.kept === 'string' ? captured.kept : undefined;
}

async function record(
  outcomes: readonly (readonly [seq: number, outcome: UndoOutcome])[],
  { run, clock }: UnwindDeps,
): Promise<void> {
  const at = clock.now().toISOString();
  await appendAll(
    outcomes.map(([seq, outcome]) => ({ type: 'undone', seq, outcome, at })),
    run,
  );
}

/** In parts: the number of arguments of a call is limited, that of changes is not. */
async function appendAll(records: readonly JournalRecord[], run: UnwindDeps['run']): Promise<void> {
  for (let from = 0; from < records.length; from += PART) await run.append(...records.slice(from, from + PART));
}
