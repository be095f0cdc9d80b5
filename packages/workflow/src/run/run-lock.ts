import { isRecoveryError } from '@kube-rescue/errors';
import { type HostLock, hostPath, joinPath, parentPath } from '@kube-rescue/host';
import { WorkflowError } from '../errors.ts';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { ChangeKind, UndoPreview } from '../plan/change.ts';
import type { ChangeRegistry } from '../plan/change-registry.ts';
import type { WorkflowDeps } from './workflow-deps.ts';

const LOST = 'the lock file was removed or replaced by another process, so another run may be under way';

const READY: UndoPreview = { state: 'ready', kept: undefined, replaced: undefined };

/** The lock of a run while its action goes on. */
export interface RunLock {
  /** Aborts when the lock was found lost; its reason is the error `LOCK_LOST`. */
  readonly lost: AbortSignal;
  /** @throws WorkflowError `LOCK_LOST` */
  assertHeld(): Promise<void>;
  /** The change kinds, which write nothing more once the lock is lost. */
  readonly kinds: ChangeRegistry;
}

/**
 * Takes the lock of the runs of a host for the duration of `action`. Before each write the lock is checked: its file may have been
 * removed, and another run may have begun with a new one.
 *
 * @param guarded `writes`: a lost lock refuses new changes, and those of the step under way can be undone; `undo`: it refuses to undo
 * @throws HostError `HOST_LOCKED`
 */
export async function withRunLock<T>(
  deps: WorkflowDeps,
  { holder, guarded }: { readonly holder: string; readonly guarded: 'writes' | 'undo' },
  action: (lock: RunLock) => Promise<T>,
): Promise<T> {
  const { host, store } = deps;
  const directory = parentPath(hostPath(store.directory));
  await host.makeDirectory(directory, { mode: 0o700 });
  const path = joinPath(directory, 'lock');
  const lock = await host.acquireLock(path, holder);
  const lost = new AbortController();
  const assertHeld = async (): Promise<void> => {
    if (!lost.signal.aborted && !(await isHeld(lock))) lost.abort(lockLost(path));
    lost.signal.throwIfAborted();
  };
  try {
    return await action({ lost: lost.signal, assertHeld, kinds: guardKinds(deps.kinds, guarded, assertHeld) });
  } finally {
    await lock.release();
  }
}

/** The end of a run that stopped because its lock was lost; another failure stays what it is. */
export function explainLostLock(error: unknown, run: Pick<RunDirectory, 'id'>): unknown {
  if (!isRecoveryError(error, 'INTERRUPTED')) return error;
  return new WorkflowError({
    code: 'LOCK_LOST',
    message: `${LOST}; stopped between two steps, and the changes so far are active`,
    subject: run.id,
    hint: `wait until no other kube-rescue runs; then ${error.hint ?? 'roll this run back'}`,
    cause: error,
  });
}

/** A lock that cannot be checked is not known to be held. */
async function isHeld(lock: HostLock): Promise<boolean> {
  try {
    return await lock.isHeld();
  } catch {
    return false;
  }
}

function guardKinds(
  kinds: ChangeRegistry,
  guarded: 'writes' | 'undo',
  assertHeld: () => Promise<void>,
): ChangeRegistry {
  const guard = (kind: ChangeKind): ChangeKind => {
    if (guarded === 'writes') {
      return {
        ...kind,
        capture: async (...input) => {
          await assertHeld();
          return kind.capture(...input);
        },
      };
    }
    // A unit that has begun is completed: half of it would be worse.
    return {
      ...kind,
      previewUndo: async (...input) => {
        await assertHeld();
        return (await kind.previewUndo?.(...input)) ?? READY;
      },
      undo: async (...input) => {
        if (kind.undoOrder === 'last') await assertHeld();
        return kind.undo(...input);
      },
    };
  };
  return new Map([...kinds].map(([name, kind]) => [name, guard(kind)]));
}

function lockLost(path: string): WorkflowError {
  return new WorkflowError({
    code: 'LOCK_LOST',
    message: `${LOST}; nothing was changed now`,
    subject: path,
    hint: 'wait until no other kube-rescue runs, then try again',
  });
}
