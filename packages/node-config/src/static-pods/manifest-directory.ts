import { baseName, type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import { sha256 } from '@kube-rescue/workflow';
import { NodeConfigError } from '../errors.ts';
import { MAX_MANIFEST_BYTES, tooLarge } from './manifest-source.ts';
import { isOtherFile, passOver } from './other-file.ts';
import { decodePod } from './pod-decoding.ts';
import type { StaticPod } from './static-pod.ts';

type Files = Pick<HostFiles, 'readFile' | 'stat' | 'list'>;

/** The content of a manifest directory. */
export interface StaticPods {
  readonly directory: HostPath;
  /** Sorted by file name. */
  readonly pods: readonly StaticPod[];
  /** Invalid manifests and duplicate pods. */
  readonly problems: readonly NodeConfigError[];
  /** Files that are no manifests, and no damaged ones: the kubelet runs the others. */
  readonly passedOver: readonly NodeConfigError[];
  /** Entries that the kubelet ignores: directories, dot files, sockets and the like. */
  readonly skipped: readonly HostPath[];
}

/**
 * Reads every manifest in the directory of the kubelet, with any file name, as the kubelet does.
 *
 * A damaged manifest does not hide the others: it is among the `problems`. Also takes the path of a single manifest.
 * @throws NodeConfigError `MANIFEST_DIRECTORY_MISSING`; HostError when the directory or a file in it cannot be read
 */
export async function readStaticPods(
  { directory }: { readonly directory: HostPath },
  { host }: { readonly host: Files },
): Promise<StaticPods> {
  const names = await host.list(directory);
  const single = names === undefined ? await host.stat(directory) : undefined;
  if (names === undefined && single?.kind !== 'file') {
    throw new NodeConfigError({
      code: 'MANIFEST_DIRECTORY_MISSING',
      message: 'the static pod manifest directory does not exist',
      subject: directory,
      hint: 'run this on a control-plane node, or give the directory that its kubelet reads with --manifests-dir',
    });
  }
  const pods: StaticPod[] = [];
  const problems: NodeConfigError[] = [];
  const passedOver: NodeConfigError[] = [];
  const skipped: HostPath[] = [];
  for (const path of names?.map((name) => joinPath(directory, name)) ?? [directory]) {
    try {
      const pod = baseName(path).startsWith('.') ? undefined : await readPodFile(path, host);
      if (pod === undefined) skipped.push(path);
      else pods.push(pod);
    } catch (error) {
      if (!(error instanceof NodeConfigError)) throw error;
      const bytes = names === undefined || error.code !== 'MANIFEST_INVALID' ? undefined : await host.readFile(path);
      if (bytes !== undefined && isOtherFile(path, bytes)) passedOver.push(passOver(path));
      else problems.push(error);
    }
  }
  return { directory, pods, problems: [...problems, ...findDuplicates(pods)], passedOver, skipped };
}

/**
 * Reads one static pod.
 *
 * @throws NodeConfigError `MANIFEST_NOT_FOUND` `MANIFEST_INVALID` `MANIFEST_TOO_LARGE`; HostError
 */
export async function readStaticPod(path: HostPath, { host }: { readonly host: Files }): Promise<StaticPod> {
  const pod = await readPodFile(path, host);
  if (pod !== undefined) return pod;
  throw new NodeConfigError({
    code: 'MANIFEST_NOT_FOUND',
    message: 'the manifest does not exist',
    subject: path,
    hint: 'give a file that `kube-rescue manifests list` shows',
  });
}

async function readPodFile(path: HostPath, host: Files): Promise<StaticPod | undefined> {
  const stat = await host.stat(path);
  if (stat === undefined || (stat.kind !== 'file' && stat.kind !== 'symlink')) return undefined;
  if (stat.kind === 'file' && stat.size > MAX_MANIFEST_BYTES) throw tooLarge(path, stat.size);
  // The kubelet ignores a link to a directory.
  if (stat.kind === 'symlink' && (await host.list(path)) !== undefined) return undefined;
  const bytes = await host.readFile(path);
  if (bytes === undefined) return undefined;
  const { mode, uid, gid, modifiedAt } = stat;
  return decodePod(bytes, { path, digest: sha256(bytes), mode, uid, gid, modifiedAt, isLink: stat.kind === 'symlink' });
}

function findDuplicates(pods: readonly StaticPod[]): readonly NodeConfigError[] {
  return pods.flatMap((pod, index) => {
    const first = pods.slice(0, index).find(({ name, namespace }) => name === pod.name && namespace === pod.namespace);
    if (first === undefined) return [];
    return new NodeConfigError({
      code: 'MANIFEST_DUPLICATE',
      message: `the pod ${pod.namespace}/${pod.name} is already in ${baseName(first.manifest.path)}`,
      subject: pod.manifest.path,
      hint: 'move one of the two out of the directory; the kubelet runs every file in it, backups too',
    });
  });
}
