import { isRecoveryError } from '@kube-rescue/errors';
import type { ChangeKind, UndoOutcome, UndoPreview } from '@kube-rescue/workflow';
import { ObjectError } from '../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import type { ObjectStore, StoredObject } from '../object-store.ts';
import { RESOURCE_KINDS } from '../objects/resource-kind.ts';
import { listEdits, type Reverted, revertEdits } from './field-edits.ts';
import type { ObjectReplace } from './object-changes.ts';
import { contentOf, digestOf, type ObjectContent, withContent } from './object-content.ts';
import { sourceOf, type OpenObjects, readTarget } from './object-targets.ts';

/** The undo record: backup names of the old object and of the new content. */
interface Captured {
  readonly kept: string;
  readonly written: string;
}

/** Nodes and pods get a new status every few seconds, each a new revision; the replaced fields may be unchanged. */
const ATTEMPTS = 10;

/**
 * `object.replace`: the material is the new content in JSON; it and the old object are kept in the backup directory only.
 *
 * Undone field by field, by compare-and-swap: the fields of the change are reverted, later changes of other fields stay.
 * When one of the same fields was changed since, nothing is reverted, and the field is named. The answer to a signing request stays.
 */
export function createReplaceKind(open: OpenObjects): ChangeKind<ObjectReplace> {
  return {
    kind: 'object.replace',
    undoOrder: 'reverse',
    describe: (change) => `replace ${change.target} ${sourceOf(change)}: ${change.edits.join('; ')}`,
    preflight: async () => undefined,
    staleness: async (change) => {
      const present = await readTarget(await open(change.way), change);
      if (present === undefined) return `${change.target} is gone`;
      return isAsRead(present, change) ? undefined : `${change.target} was changed by another client`;
    },
    capture: async (change, _after, backup, material) => {
      const { object } = await demandTarget(await open(change.way), change);
      const kept = await backup.keep(Buffer.from(JSON.stringify(object)));
      const captured: Captured = { kept, written: await backup.keep(material ?? new Uint8Array()) };
      return { ...captured };
    },
    apply: async (change, material) => {
      if (material === undefined) throw new Error(`object.replace of ${change.target} has no content to write`);
      const content = JSON.parse(Buffer.from(material).toString()) as ObjectContent;
      await swap(await open(change.way), change, (present) => {
        if (digestOf(present.object, change.withStatus) === change.after) return undefined;
        if (!isAsRead(present, change)) throw conflict(change);
        return withContent(present.object, content, change.withStatus);
      });
    },
    previewUndo: async (change, captured, backup): Promise<UndoPreview> => {
      const { kept, written } = captured as unknown as Captured;
      const old = JSON.parse(Buffer.from(await backup.read(kept)).toString()) as KubernetesObject;
      const content = JSON.parse(Buffer.from(await backup.read(written)).toString()) as ObjectContent;
      const present = await readIfAnswering(open, change);
      // The undo itself reports a store that does not answer; it may answer once the files of the unit are restored.
      if (present === 'silent') return { state: 'ready', kept: undefined, replaced: undefined };
      if (present?.object.metadata.uid !== old.metadata.uid || present === undefined) return removedSince(old, change);
      const edits = listEdits(contentOf(old, change.withStatus), content);
      const reverted = revertEdits(contentOf(present.object, change.withStatus), edits);
      if (reverted.state === 'already') return { state: 'already' };
      if (reverted.state === 'foreign') return foreignFields(reverted.paths, change);
      const replaced: Captured = {
        kept: await backup.keep(Buffer.from(JSON.stringify(present.object))),
        written: await backup.keep(Buffer.from(JSON.stringify(reverted.content))),
      };
      return { state: 'ready', kept: replaced.kept, replaced: { ...replaced } };
    },
    undo: async (change, captured, backup): Promise<UndoOutcome> => {
      const { kept, written } = captured as unknown as Captured;
      const old = JSON.parse(Buffer.from(await backup.read(kept)).toString()) as KubernetesObject;
      const content = JSON.parse(Buffer.from(await backup.read(written)).toString()) as ObjectContent;
      const edits = listEdits(contentOf(old, change.withStatus), content);
      const removed = removedSince(old, change);
      let outcome: UndoOutcome = removed;
      const undone = swap(
        await open(change.way),
        change,
        (present) => {
          outcome = removed;
          if (present.object.metadata.uid !== old.metadata.uid) return undefined;
          const reverted = revertEdits(contentOf(present.object, change.withStatus), edits);
          outcome = toOutcome(reverted, change);
          return reverted.state === 'undone'
            ? withContent(present.object, reverted.content, change.withStatus)
            : undefined;
        },
        () => {
          outcome = removed;
        },
      );
      await undone.catch((error: unknown) => {
        if (!isAnswerKept(old) || !isRecoveryError(error, 'OBJECT_INVALID')) throw error;
        outcome = { state: 'already' };
      });
      return outcome;
    },
  };
}

async function readIfAnswering(open: OpenObjects, change: ObjectReplace): Promise<StoredObject | undefined | 'silent'> {
  try {
    return await readTarget(await open(change.way), change);
  } catch (error) {
    if (isRecoveryError(error)) return 'silent';
    throw error;
  }
}

/**
 * The API server refuses to take the answer to a signing request back (Kubernetes `pkg/apis/certificates/validation`), and
 * kube-controller-manager removes answered requests after an hour (`pkg/controller/certificates/cleaner`): neither leaves anything
 * to be undone.
 */
function isAnswerKept({ kind }: KubernetesObject): boolean {
  return kind === RESOURCE_KINDS.CertificateSigningRequest.kind;
}

function removedSince(old: KubernetesObject, { target }: ObjectReplace): Foreign | { readonly state: 'already' } {
  if (isAnswerKept(old)) return { state: 'already' };
  return foreign(`${target} was deleted or recreated by another client since`);
}

function toOutcome(reverted: Reverted, change: ObjectReplace): UndoOutcome {
  return reverted.state === 'foreign' ? foreignFields(reverted.paths, change) : { state: reverted.state };
}

function foreignFields(paths: readonly string[], { target }: ObjectReplace): Foreign {
  const fields = paths.join(', ');
  return foreign(`${target} was changed by another client since (${fields}); not reverted`);
}

type Foreign = Extract<UndoOutcome, { readonly state: 'foreign' }>;

function foreign(reason: string): Foreign {
  return { state: 'foreign', reason };
}

function isAsRead({ object }: StoredObject, change: ObjectReplace): boolean {
  return digestOf(object, change.withStatus) === change.before;
}

/** Reads, decides, writes by compare-and-swap; decides again on conflict. */
async function swap(
  store: ObjectStore,
  change: ObjectReplace,
  decide: (present: StoredObject) => KubernetesObject | undefined,
  onAbsent?: () => void,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const present = await readTarget(store, change);
    if (present === undefined) {
      if (onAbsent === undefined) throw gone(change);
      return onAbsent();
    }
    const next = decide(present);
    if (next === undefined) return;
    try {
      await store.replace(present, next);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isRecoveryError(error, 'OBJECT_CONFLICT')) throw error;
    }
  }
}

async function demandTarget(store: ObjectStore, change: ObjectReplace): Promise<StoredObject> {
  const present = await readTarget(store, change);
  if (present === undefined) throw gone(change);
  return present;
}

function gone({ target }: ObjectReplace): ObjectError {
  return new ObjectError({
    code: 'OBJECT_NOT_FOUND',
    message: 'the object was deleted',
    subject: target,
    hint: 'find the client that deleted it, then plan again',
  });
}

function conflict({ target }: ObjectReplace): ObjectError {
  return new ObjectError({
    code: 'OBJECT_CONFLICT',
    message: 'the object was modified since it was read',
    subject: target,
    hint: 'find the client that writes to it, then plan again',
  });
}
