import { type HostFiles, type HostPath, hostPath } from '@kube-rescue/host';
import type { Json } from '../plan/change.ts';
import type { PathState } from '../plan/file-change-types.ts';
import { sha256 } from '../plan/digest.ts';

/** The restorable state of a path. */
export type FileState =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'file';
      readonly digest: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: 'link'; readonly target: string; readonly uid: number; readonly gid: number };

/** Reads the state at `target`, and the bytes of a regular file. Links are not followed. */
export async function readFileState(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  target: string,
): Promise<{ readonly state: FileState; readonly bytes: Uint8Array | undefined }> {
  const path: HostPath = hostPath(target);
  const stat = await files.stat(path);
  if (stat?.kind === 'symlink') {
    const link = (await files.readLink(path)) ?? '';
    return { state: { kind: 'link', target: link, uid: stat.uid, gid: stat.gid }, bytes: undefined };
  }
  const bytes = stat === undefined ? undefined : await files.readFile(path);
  if (stat === undefined || bytes === undefined) return { state: { kind: 'absent' }, bytes: undefined };
  return { state: { kind: 'file', digest: sha256(bytes), mode: stat.mode, uid: stat.uid, gid: stat.gid }, bytes };
}

/** The `before` field of a change that starts from `state`: a digest, `absent`, or a link's target after `link:`. */
export function beforeOf(state: FileState): PathState {
  if (state.kind === 'absent') return 'absent';
  return state.kind === 'file' ? state.digest : `link:${state.target}`;
}

/** Why a change planned on `before` is stale; `undefined` when it is not. */
export function describeDifference(target: string, before: PathState, state: FileState): string | undefined {
  return beforeOf(state) === before ? undefined : `${target} has changed since the plan was made`;
}

/** The undo record of a file: its state before, the name of the backup bytes, and the state after the change. */
export interface CapturedFile {
  readonly state: FileState;
  readonly kept: string | undefined;
  readonly after: string;
}

export function toCapturedFile(captured: Json): CapturedFile {
  return captured as unknown as CapturedFile;
}
