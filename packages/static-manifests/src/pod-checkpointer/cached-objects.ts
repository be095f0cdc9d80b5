import { type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import { sha256 } from '@kube-rescue/workflow';
import { readManifestObject, type StaticPod } from '@kube-rescue/node-config';
import { ManifestError } from '../errors.ts';
import type { CachedKey, CachedObject, CheckpointDirectories } from './checkpoint.ts';

type Files = Pick<HostFiles, 'readFile' | 'stat' | 'list'>;

/** More than the API server's limit for a Secret. */
const MAX_KEY_BYTES = 2 * 1024 * 1024;
/** Valid keys in Kubernetes, except those with a leading dot. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** A volume of a pod with a path on the host. */
interface HostVolume {
  readonly name: string;
  readonly path: HostPath;
}

/**
 * Reads the checkpointer's cache of one pod: the Secrets and ConfigMaps of its volumes, and those in its
 * directory without a volume.
 */
export async function readCachedObjects(
  pod: StaticPod,
  parent: { readonly namespace: string; readonly name: string },
  directories: CheckpointDirectories,
  { host }: { readonly host: Files },
): Promise<{ readonly objects: readonly CachedObject[]; readonly problems: readonly ManifestError[] }> {
  const volumes = listHostVolumes(pod);
  const objects: CachedObject[] = [];
  const problems: ManifestError[] = [];
  const places = [
    { kind: 'Secret', top: directories.secrets },
    { kind: 'ConfigMap', top: directories.configMaps },
  ] as const;
  for (const { kind, top } of places) {
    const own = joinPath(top, parent.namespace, parent.name);
    const mounted = volumes.filter(({ path }) => path.startsWith(`${top}/`));
    const strangers = mounted.filter(({ path }) => !isEntryOf(own, path));
    problems.push(...strangers.map(({ path }) => strangerIn(pod, path)));
    const names = new Set([
      ...mounted.filter(({ path }) => isEntryOf(own, path)).map(({ path }) => path.slice(own.length + 1)),
      ...(await listDirectories(own, host)),
    ]);
    for (const name of [...names].toSorted()) {
      const directory = joinPath(own, name);
      const volume = mounted.find(({ path }) => path === directory)?.name;
      const read = await readKeys(directory, host);
      problems.push(...read.problems);
      objects.push({
        kind,
        namespace: parent.namespace,
        name,
        directory,
        volume,
        mountPaths: [...pod.containers, ...pod.initContainers].flatMap(({ mounts }) =>
          mounts.filter((mount) => mount.hostPath === directory).map(({ containerPath }) => containerPath),
        ),
        isMissing: read.isMissing,
        keys: read.keys,
      });
    }
  }
  return { objects, problems };
}

async function readKeys(
  directory: HostPath,
  host: Files,
): Promise<{
  readonly isMissing: boolean;
  readonly keys: readonly CachedKey[];
  readonly problems: readonly ManifestError[];
}> {
  const names = (await host.stat(directory))?.kind === 'directory' ? await host.list(directory) : undefined;
  const keys: CachedKey[] = [];
  const problems: ManifestError[] = [];
  for (const key of names?.filter((name) => KEY.test(name)) ?? []) {
    const path = joinPath(directory, key);
    const stat = await host.stat(path);
    if (stat === undefined || stat.kind === 'directory') continue;
    if (stat.kind !== 'file' || stat.size > MAX_KEY_BYTES) {
      problems.push(notAKey(path, stat.kind === 'file' ? `it has ${stat.size} bytes` : `it is a ${stat.kind}`));
      continue;
    }
    const bytes = await host.readFile(path);
    const { mode, uid, gid } = stat;
    if (bytes !== undefined) keys.push({ key, path, mode, uid, gid, digest: sha256(bytes) });
  }
  return { isMissing: names === undefined, keys, problems };
}

/** Names of the subdirectories of a directory. */
async function listDirectories(folder: HostPath, host: Files): Promise<readonly string[]> {
  const names = (await host.list(folder)) ?? [];
  const found = await Promise.all(
    names.map(async (name) => ((await host.stat(joinPath(folder, name)))?.kind === 'directory' ? [name] : [])),
  );
  return found.flat().filter((name) => !name.startsWith('.'));
}

function listHostVolumes({ manifest }: StaticPod): readonly HostVolume[] {
  const { spec } = readManifestObject(manifest.source, manifest.path) as { readonly spec: { volumes?: unknown } };
  const volumes = Array.isArray(spec.volumes) ? (spec.volumes as readonly Record<string, unknown>[]) : [];
  return volumes.flatMap(({ name, hostPath: source }) => {
    const path = (source as { readonly path?: unknown } | null | undefined)?.path;
    if (typeof name !== 'string' || typeof path !== 'string' || !path.startsWith('/') || path.includes('\0')) return [];
    return [{ name, path: hostPath(path) }];
  });
}

function isEntryOf(folder: HostPath, path: HostPath): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');
}

function strangerIn({ manifest }: StaticPod, path: HostPath): ManifestError {
  return new ManifestError({
    code: 'CHECKPOINT_INVALID',
    message: `the checkpoint mounts ${path}, which does not belong to this pod`,
    subject: manifest.path,
    hint: 'find out what wrote the file; a checkpointer stores NAMESPACE/POD/SECRET below its directory',
  });
}

function notAKey(path: HostPath, what: string): ManifestError {
  return new ManifestError({
    code: 'CHECKPOINT_INVALID',
    message: `not a cached key: ${what}`,
    subject: path,
    hint: 'find out what created it, and remove it',
  });
}
