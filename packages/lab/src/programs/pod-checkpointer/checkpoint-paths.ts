import { join } from 'node:path';

/** The four directories of a checkpointer. */
export interface CheckpointDirectories {
  readonly active: string;
  readonly inactive: string;
  readonly secrets: string;
  readonly configMaps: string;
}

/** @param root on a node `/etc/kubernetes` */
export function checkpointDirectories(root: string): CheckpointDirectories {
  return {
    active: join(root, 'manifests'),
    inactive: join(root, 'inactive-manifests'),
    secrets: join(root, 'checkpoint-secrets'),
    configMaps: join(root, 'checkpoint-configmaps'),
  };
}

/** The manifest of a checkpoint in one of the two manifest directories. */
export function manifestPath(directory: string, id: string): string {
  return join(directory, `${id.replace('/', '-')}.json`);
}
