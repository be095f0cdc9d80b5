import { baseName, type HostPath, joinPath, parentPath } from './host-path.ts';

/** A fixed name: the next write of the same file removes the temporary file of a killed write. */
export function temporaryName(name: string): string {
  return `.${name}.kube-rescue.tmp`;
}

/** The temporary file for a write of `path`; a killed write leaves it behind. */
export function temporaryPathOf(path: HostPath, watched = false): HostPath {
  const directory = parentPath(path);
  return joinPath(watched ? parentPath(directory) : directory, temporaryName(baseName(path)));
}
