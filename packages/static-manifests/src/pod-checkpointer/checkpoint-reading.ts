import type { RecoveryError } from '@kube-rescue/errors';
import { baseName, type HostFiles, type HostPath } from '@kube-rescue/host';
import { readManifestObject, readStaticPods, type StaticPod } from '@kube-rescue/node-config';
import { ManifestError } from '../errors.ts';
import { readCachedObjects } from './cached-objects.ts';
import type { Checkpoint, CheckpointDirectories, Checkpoints } from './checkpoint.ts';
import { CHECKPOINT_OF, checkpointDirectories } from './checkpoint-directories.ts';

type Files = Pick<HostFiles, 'readFile' | 'stat' | 'list'>;

/** Names of objects: no path, no leading dot. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** One copy of a checkpoint on disk. */
interface Copy {
  readonly state: 'active' | 'inactive';
  readonly pod: StaticPod;
  readonly namespace: string;
  readonly name: string;
}

/**
 * Reads every checkpoint of a node from its disk alone: parents, copies, cached Secrets and ConfigMaps.
 *
 * A damaged file does not hide the others; it is among the `problems`. Does not read etcd.
 * @param directory the static pod directory of the kubelet
 * @throws HostError when a file exists but cannot be read
 */
export async function readCheckpoints(
  { directory }: { readonly directory: HostPath },
  { host }: { readonly host: Files },
): Promise<Checkpoints> {
  const problems: RecoveryError[] = [];
  const active = await readCopies('active', directory, host, problems);
  const { inactive: inactiveDirectory } = checkpointDirectories(directory, undefined);
  const copies = [...active, ...(await readCopies('inactive', inactiveDirectory, host, problems))];
  const checkpointer = copies.find(({ pod }) => isCheckpointer(pod));
  const directories = checkpointDirectories(directory, checkpointer?.pod);
  const checkpoints: Checkpoint[] = [];
  for (const group of Map.groupBy(copies, ({ namespace, name }) => `${namespace}/${name}`).values()) {
    const read = await readCheckpoint(group, directories, host);
    checkpoints.push(read.checkpoint);
    problems.push(...read.problems);
  }
  return { directories, checkpoints: checkpoints.toSorted(inOrder), problems };
}

async function readCopies(
  state: Copy['state'],
  directory: HostPath,
  host: Files,
  problems: RecoveryError[],
): Promise<readonly Copy[]> {
  if ((await host.list(directory)) === undefined) return [];
  const read = await readStaticPods({ directory }, { host });
  // The checkpointer decides which of two copies counts; a difference is reported below.
  problems.push(...read.problems);
  return read.pods.flatMap((pod) => {
    const name = pod.annotations.get(CHECKPOINT_OF);
    if (name === undefined) return [];
    if (NAME.test(name) && NAME.test(pod.namespace)) return [{ state, pod, namespace: pod.namespace, name }];
    problems.push(
      new ManifestError({
        code: 'CHECKPOINT_INVALID',
        message: 'the checkpoint has no valid namespace and name',
        subject: pod.manifest.path,
        hint: 'find out what wrote the file, and move it out of the directory',
      }),
    );
    return [];
  });
}

async function readCheckpoint(
  copies: readonly Copy[],
  directories: CheckpointDirectories,
  host: Files,
): Promise<{ readonly checkpoint: Checkpoint; readonly problems: readonly RecoveryError[] }> {
  // Of several files with one pod the checkpointer uses the last one by file name.
  const active = copies.findLast(({ state }) => state === 'active')?.pod;
  const inactive = copies.findLast(({ state }) => state === 'inactive')?.pod;
  const [{ pod: first, namespace, name } = nothing()] = copies;
  const pod = active ?? inactive ?? first;
  const cached = await readCachedObjects(pod, { namespace, name }, directories, { host });
  const differs = active !== undefined && inactive !== undefined && active.manifest.digest !== inactive.manifest.digest;
  return {
    checkpoint: {
      namespace,
      name,
      component: componentOf(pod),
      isCheckpointer: isCheckpointer(pod),
      parentUid: parentUidOf(pod),
      active,
      inactive,
      pod,
      objects: cached.objects,
    },
    problems: [...cached.problems, ...(differs ? [differentCopies(active, inactive)] : [])],
  };
}

/** Identifies a checkpointer by its program only: the program in its image is called `checkpoint`. */
function isCheckpointer(pod: StaticPod): boolean {
  const names = [pod.main.program, pod.main.name, pod.labels.get('k8s-app')];
  return names.some((name) => name === 'checkpoint' || name === 'pod-checkpointer');
}

function componentOf(pod: StaticPod): string {
  return pod.labels.get('k8s-app') ?? pod.component;
}

function parentUidOf({ manifest }: StaticPod): string | undefined {
  const { metadata } = readManifestObject(manifest.source, manifest.path) as {
    metadata: { ownerReferences?: unknown };
  };
  const owners = Array.isArray(metadata.ownerReferences) ? (metadata.ownerReferences as readonly unknown[]) : [];
  const uids = owners.map((owner) => (owner as { kind?: unknown; uid?: unknown } | null)?.uid);
  const uid = uids.find((each) => typeof each === 'string' && /^[0-9a-f-]{36}$/.test(each));
  return typeof uid === 'string' ? uid : undefined;
}

function inOrder(a: Checkpoint, b: Checkpoint): number {
  if (a.isCheckpointer !== b.isCheckpointer) return a.isCheckpointer ? 1 : -1;
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
}

function differentCopies(active: StaticPod, inactive: StaticPod): ManifestError {
  return new ManifestError({
    code: 'CHECKPOINT_COPIES_DIFFER',
    message: `the active copy differs from ${inactive.manifest.path}`,
    subject: active.manifest.path,
    hint: `compare the two; the checkpointer will use its inactive copy ${baseName(inactive.manifest.path)}`,
  });
}

function nothing(): never {
  throw new Error('a checkpoint without a copy');
}
