import { baseName, type HostPath, joinPath, parentPath } from './host-path.ts';

/** A fixed name: the next write of the same file clears away what a killed one left behind. */
export function temporaryName(name: string): string {
  return `.${name}.kube-rescue.tmp`;
}

/** Where a write of `path` stages the new bytes, and leaves them when it is killed. */
export function temporaryPathOf(path: HostPath, watched = false): HostPath {
  const directory = parentPath(path);
  return joinPath(watched ? parentPath(directory) : directory, temporaryName(baseName(path)));
}
