import { type HostFiles, type HostPath, joinPath, parentPath } from '@kube-rescue/host';
import { describeReplacement, type FileReplace } from '@kube-rescue/workflow';

type Files = Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>;

/** Private keys: readable by their owner only. */
export const PRIVATE_KEY_MODE = 0o600;
/** kubeadm's mode of a certificate. */
export const CERTIFICATE_MODE = 0o644;
const MAX_LINKS = 40;

/** The file behind a chain of links, so that a link to a file stays a link. */
export async function followLinks(files: Pick<HostFiles, 'readLink'>, path: HostPath): Promise<HostPath> {
  let current = path;
  for (let hop = 0; hop < MAX_LINKS; hop += 1) {
    const target = await files.readLink(current);
    if (target === undefined) return current;
    current = joinPath(parentPath(current), target);
  }
  return current;
}

/** Plans new bytes for a file, or for the one behind a link; mode and owner stay, and only its owner can read a new file. */
export async function planFileChange(
  path: HostPath,
  files: Files,
  fallbackMode: number = PRIVATE_KEY_MODE,
): Promise<FileReplace> {
  const target = await followLinks(files, path);
  return describeReplacement(files, { target, after: 'generated', fallbackMode });
}

/** Plans a lost file: with no right more than `mode`, which its maker gives it; a stricter mode and the owner of an emptied file stay. */
export async function planLostFile(path: HostPath, mode: number, files: Files): Promise<FileReplace> {
  const change = await planFileChange(path, files, mode);
  return { ...change, mode: change.mode & mode };
}
