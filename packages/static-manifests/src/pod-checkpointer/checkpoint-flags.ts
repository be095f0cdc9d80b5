import { type HostPath, hostPath } from '@kube-rescue/host';
import { type ComponentFlags, componentFlags } from '@kube-rescue/node-config';
import type { CachedObject, Checkpoint } from './checkpoint.ts';

/** The source of a file of a checkpointed pod: an object and its key. */
export interface ObjectKey {
  readonly kind: CachedObject['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** The cached copy. */
  readonly path: HostPath;
}

/** The flags of a checkpointed component with the host's paths, and the source objects of their files. */
export interface CheckpointFlags extends ComponentFlags {
  /** Flag name to the keys in its value; without flags of other files. */
  readonly keys: ReadonlyMap<string, readonly ObjectKey[]>;
}

/**
 * The flags of a checkpointed component with the paths of the cached files; needs no running component.
 *
 * @returns `undefined` when the pod is not a known component
 */
export function checkpointFlags(checkpoint: Pick<Checkpoint, 'pod' | 'objects'>): CheckpointFlags | undefined {
  const component = componentFlags(checkpoint.pod);
  if (component === undefined) return undefined;
  const keys = new Map<string, readonly ObjectKey[]>();
  for (const [flag, value] of component.flags) {
    const named = value
      .split(',')
      .map((part) => part.split(':')[0] ?? '')
      .filter((part) => part.startsWith('/') && !part.includes('\0'))
      .flatMap((part) => findObjectKey(checkpoint.objects, hostPath(part)) ?? []);
    if (named.length > 0) keys.set(flag, named);
  }
  return { ...component, keys };
}

/** The object and key of a cached file; also for a missing file in the directory of an object. */
export function findObjectKey(objects: readonly CachedObject[], path: HostPath): ObjectKey | undefined {
  const object = objects.find(({ directory }) => path.startsWith(`${directory}/`));
  const key = object && path.slice(object.directory.length + 1);
  if (object === undefined || key === undefined || key.includes('/')) return undefined;
  const { kind, namespace, name } = object;
  return { kind, namespace, name, key, path };
}
