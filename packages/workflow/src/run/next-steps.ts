import { isRecoveryError } from '@kube-rescue/errors';
import type { RunDirectory } from '../journal/run-directory.ts';
import type { RunState } from './run-state.ts';
import type { WorkflowDeps } from './workflow-deps.ts';

/** What every command about a run needs, beside its id. */
export interface RunAccess {
  /** Root directory of a copy; `null` or absent for the live machine. */
  readonly root?: string | null | undefined;
  /** The backups are encrypted. */
  readonly isSealed?: boolean | undefined;
  /** A rollback now would make things worse: it needs `--force`. */
  readonly needsForce?: boolean | undefined;
}

/** As {@link accessOf}, for hints that offer to roll back `run` as it is now. */
export async function rollbackAccessOf(
  run: RunDirectory,
  deps: Pick<WorkflowDeps, 'host' | 'store' | 'needsForce'>,
): Promise<RunAccess> {
  return { ...accessOf(deps), needsForce: await isForceNeeded(run, deps) };
}

/** A hint is not worth an error: what cannot be judged is offered without the flag. */
export async function isForceNeeded(
  run: RunDirectory,
  { needsForce }: Pick<WorkflowDeps, 'needsForce'>,
): Promise<boolean> {
  try {
    return (await needsForce?.(run)) ?? false;
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
    return false;
  }
}

/** The flags of a rollback, to append to a command. */
export function rollbackFlags(access: RunAccess): string {
  return `${accessFlags(access)}${access.needsForce === true ? ' --force' : ''}`;
}

/** For hints on this machine, about a run whose backups go to `store`. */
export function accessOf({ host, store }: Pick<WorkflowDeps, 'host' | 'store'>): RunAccess {
  return { root: host.kind === 'copy' ? host.name : null, isSealed: store.recipients.length > 0 };
}

/** The flags of {@link RunAccess}, to append to a command. */
export function accessFlags({ root, isSealed = false }: RunAccess): string {
  const words = [
    ...(root === null || root === undefined ? [] : ['--root', quote(root)]),
    ...(isSealed ? ['--backup-identity FILE'] : []),
  ];
  return words.map((word) => ` ${word}`).join('');
}

/** What the operator does about a run that did not succeed: resume, where possible, or roll back. */
export function describeNextSteps(
  { id, resumeCommand, outcome }: Pick<RunState, 'id' | 'resumeCommand' | 'outcome'>,
  access: RunAccess,
): string {
  const flags = accessFlags(access);
  const rollback = `roll it back (\`kube-rescue rollback ${id}${rollbackFlags(access)}\`)`;
  if (resumeCommand !== undefined) return `resume it (\`kube-rescue ${resumeCommand}${flags}\`) or ${rollback}`;
  // An interrupted run blocks every other run.
  return outcome === undefined ? rollback : `run the same command again, or ${rollback}`;
}

/** For a shell. */
function quote(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
