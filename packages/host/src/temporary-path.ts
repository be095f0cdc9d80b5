import { baseName, type HostPath, joinPath, parentPath } from './host-path.ts';

/** A fixed name: the next write of the same file removes the temporary file of a killed write. */
export function temporaryName(name: string): string {
  return `.${name}.kube-rescue.tmp`;
}

/** Name of the replaced file while it is compared: a killed write leaves it behind. */
export function replacedName(name: string): string {
  return `.${name}.kube-rescue.old`;
}

/** The temporary file for a write of `path`; a killed write leaves it behind. */
export function temporaryPathOf(path: HostPath, watched = false): HostPath {
  return joinPath(stagingOf(path, watched), temporaryName(baseName(path)));
}

/** Where a write with `replaces` holds the replaced file until it is compared; a killed write leaves it behind. */
export function replacedPathOf(path: HostPath, watched = false): HostPath {
  return joinPath(stagingOf(path, watched), replacedName(baseName(path)));
}

function stagingOf(path: HostPath, watched: boolean): HostPath {
  const directory = parentPath(path);
  return watched ? parentPath(directory) : directory;
}
