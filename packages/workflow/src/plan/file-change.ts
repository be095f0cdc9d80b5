import { type FileDigest, type PathState, type FileReplace } from './file-change-types.ts';
import { type HostFiles, hostPath, parentPath } from '@kube-rescue/host';
import { beforeOf, readFileState } from '../host-changes/file-state.ts';

/** The state of a path in the form of a change's `before`: a digest, `absent`, or `link:TARGET`. */
export async function readBefore(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  target: string,
): Promise<PathState> {
  return beforeOf((await readFileState(files, target)).state);
}

/**
 * Plans the replacement of a file, keeping its mode and owner. A new file gets `fallbackMode` and the owner of its directory.
 *
 * @param after digest of the new bytes, or `generated`
 */
export async function describeReplacement(
  files: Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>,
  input: {
    readonly target: string;
    readonly after: FileDigest;
    readonly fallbackMode: number;
    readonly watched?: boolean;
  },
): Promise<FileReplace> {
  const { state } = await readFileState(files, input.target);
  const owner = state.kind === 'absent' ? await files.stat(parentPath(hostPath(input.target))) : state;
  return {
    kind: 'file.replace',
    target: input.target,
    before: beforeOf(state),
    after: input.after,
    mode: state.kind === 'file' ? state.mode : input.fallbackMode,
    uid: owner?.uid ?? 0,
    gid: owner?.gid ?? 0,
    ...(input.watched === true ? { watched: true } : {}),
  };
}
