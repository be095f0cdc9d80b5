import { type HostPath, hostPath } from '@kube-rescue/host';
import { type ComponentFlags, componentFlags } from '@kube-rescue/node-config';
import type { CachedObject, Checkpoint } from './checkpoint.ts';

/** A file of a checkpointed pod: which key of which object it is. */
export interface ObjectKey {
  readonly kind: CachedObject['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  /** The cached copy. */
  readonly path: HostPath;
}

/** The flags of a checkpointed component with the host's paths, and the objects that the files come from. */
export interface CheckpointFlags extends ComponentFlags {
  /** Flag name to the keys that its value names; flags of other files are left out. */
  readonly keys: ReadonlyMap<string, readonly ObjectKey[]>;
}

/**
 * The flags of a checkpointed component, ready for reading the cached files that they name, whatever is dead.
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

/** Which key of which object a cached file is; also of a file that is missing, where its directory is an object's. */
export function findObjectKey(objects: readonly CachedObject[], path: HostPath): ObjectKey | undefined {
  const object = objects.find(({ directory }) => path.startsWith(`${directory}/`));
  const key = object && path.slice(object.directory.length + 1);
  if (object === undefined || key === undefined || key.includes('/')) return undefined;
  const { kind, namespace, name } = object;
  return { kind, namespace, name, key, path };
}
