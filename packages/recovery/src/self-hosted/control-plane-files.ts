import type { InspectionInput, NodeReader } from '@kube-rescue/cert-rotation';
import { isObjectKey, type ObjectStore, readObjectData, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import type { NodeDescription } from '@kube-rescue/node';
import { findWorkloadComponents, secretDirectory } from './template-flags.ts';

/** A Secret of a control-plane pod, and the directory that shows its keys as files. */
export interface SecretDirectory {
  readonly namespace: string;
  readonly name: string;
  readonly directory: HostPath;
}

/** The control plane of a self-hosted cluster as files. */
export interface ControlPlaneFiles {
  /** The Secrets as the cluster holds them, not their cached copies, and the files of the node. */
  readonly files: NodeReader;
  readonly inspection: InspectionInput;
  /** The Secrets that control-plane pods mount. */
  readonly secrets: readonly SecretDirectory[];
}

/**
 * Overlays the files of this node with the Secrets of the control plane, so that flags, certificates and trust are judged by
 * the files that the pods will mount.
 *
 * @param store `undefined` while the objects are unreachable: then the cached copies are used, and components without a copy
 * are left out
 * @throws ObjectError as the store does
 */
export async function overlaySecrets(
  node: NodeDescription,
  store: ObjectStore | undefined,
  host: NodeReader,
  signal: AbortSignal,
): Promise<ControlPlaneFiles> {
  const cached = listCachedSecrets(node);
  if (store === undefined) return { files: host, inspection: node.inspection, secrets: cached };
  const namespaces = new Set(['kube-system', ...cached.map(({ namespace }) => namespace)]);
  const secrets = new Map(cached.map((each) => [each.directory, each]));
  const components: ComponentFlags[] = [...node.components];
  for (const namespace of namespaces) {
    for (const { component, secrets: mounted } of await findWorkloadComponents(store, namespace, signal)) {
      if (components.some((each) => each.component === component.component)) continue;
      components.push(component);
      for (const each of mounted) {
        const directory = secretDirectory(each.namespace, each.name);
        secrets.set(directory, { ...each, directory });
      }
    }
  }
  const values = new Map<HostPath, Uint8Array>();
  for (const { directory, namespace, name } of secrets.values()) {
    const read = await store.get({ kind: RESOURCE_KINDS.Secret, namespace, name }, { signal });
    if (read === undefined) continue;
    for (const [key, bytes] of readObjectData(read.object))
      if (isObjectKey(key)) values.set(hostPath(`${directory}/${key}`), bytes);
  }
  const directories = [...secrets.keys()];
  return {
    files: overlay(host, directories, values),
    inspection: { ...node.inspection, components },
    secrets: [...secrets.values()],
  };
}

/** Without the tokens of service accounts: they are cached as well, but no flag names them. */
function listCachedSecrets({ checkpoints }: NodeDescription): readonly SecretDirectory[] {
  return checkpoints.checkpoints.flatMap(({ objects, isCheckpointer }) =>
    objects
      .filter(
        ({ kind, volume, keys }) => kind === 'Secret' && volume !== undefined && !isToken(keys) && !isCheckpointer,
      )
      .map(({ namespace, name, directory }) => ({ namespace, name, directory })),
  );
}

function isToken(keys: readonly { readonly key: string }[]): boolean {
  return keys.some(({ key }) => key === 'token') && keys.some(({ key }) => key === 'namespace');
}

function overlay(
  host: NodeReader,
  directories: readonly HostPath[],
  values: ReadonlyMap<HostPath, Uint8Array>,
): NodeReader {
  const isOver = (path: HostPath): boolean => directories.some((directory) => path.startsWith(`${directory}/`));
  return {
    readFile: async (path) => (isOver(path) ? values.get(path) : host.readFile(path)),
    readLink: async (path) => (isOver(path) ? undefined : host.readLink(path)),
    list: async (path) =>
      directories.includes(path)
        ? [...values.keys()].filter((key) => key.startsWith(`${path}/`)).map((key) => key.slice(path.length + 1))
        : host.list(path),
    stat: async (path) => {
      if (!isOver(path)) return host.stat(path);
      const bytes = values.get(path);
      if (bytes === undefined) return undefined;
      return { kind: 'file', mode: 0o600, uid: 0, gid: 0, size: bytes.length, modifiedAt: new Date(0) };
    },
  };
}
