import type { InspectionInput, NodeReader } from '@kube-rescue/cert-rotation';
import { type ObjectStore, readObjectData, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import type { NodeDescription } from '@kube-rescue/node';
import { findWorkloadComponents, secretDirectory } from './template-flags.ts';

/** A Secret of a control-plane pod, and the folder in which its keys are shown as files. */
export interface SecretDirectory {
  readonly namespace: string;
  readonly name: string;
  readonly folder: HostPath;
}

/** The control plane of a self-hosted cluster as if all of it were files. */
export interface ControlPlaneFiles {
  /** Shows the Secrets as the cluster holds them, not as they are cached, and everything else as it is on the node. */
  readonly files: NodeReader;
  readonly inspection: InspectionInput;
  /** The Secrets that control-plane pods mount. */
  readonly secrets: readonly SecretDirectory[];
}

/**
 * Lays the Secrets of the control plane over the files of this node, so that flags, certificates and trust are judged by
 * what the pods are going to be given.
 *
 * @param store `undefined` while nobody can be asked: then the cached copies are taken, and the components that have none
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
  const secrets = new Map(cached.map((each) => [each.folder, each]));
  const components: ComponentFlags[] = [...node.components];
  for (const namespace of namespaces) {
    for (const { component, secrets: mounted } of await findWorkloadComponents(store, namespace, signal)) {
      if (components.some((each) => each.component === component.component)) continue;
      components.push(component);
      for (const each of mounted) {
        const folder = secretDirectory(each.namespace, each.name);
        secrets.set(folder, { ...each, folder });
      }
    }
  }
  const values = new Map<HostPath, Uint8Array>();
  for (const { folder, namespace, name } of secrets.values()) {
    const read = await store.get({ kind: RESOURCE_KINDS.Secret, namespace, name }, { signal });
    if (read === undefined) continue;
    for (const [key, bytes] of readObjectData(read.object)) values.set(hostPath(`${folder}/${key}`), bytes);
  }
  const folders = [...secrets.keys()];
  return {
    files: overlay(host, folders, values),
    inspection: { ...node.inspection, components },
    secrets: [...secrets.values()],
  };
}

/** Tokens of service accounts are cached as well, and are none of what flags name. */
function listCachedSecrets({ checkpoints }: NodeDescription): readonly SecretDirectory[] {
  return checkpoints.checkpoints.flatMap(({ objects, isCheckpointer }) =>
    objects
      .filter(
        ({ kind, volume, keys }) => kind === 'Secret' && volume !== undefined && !isToken(keys) && !isCheckpointer,
      )
      .map(({ namespace, name, directory }) => ({ namespace, name, folder: directory })),
  );
}

function isToken(keys: readonly { readonly key: string }[]): boolean {
  return keys.some(({ key }) => key === 'token') && keys.some(({ key }) => key === 'namespace');
}

function overlay(
  host: NodeReader,
  folders: readonly HostPath[],
  values: ReadonlyMap<HostPath, Uint8Array>,
): NodeReader {
  const isOver = (path: HostPath): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
  return {
    readFile: async (path) => (isOver(path) ? values.get(path) : host.readFile(path)),
    readLink: async (path) => (isOver(path) ? undefined : host.readLink(path)),
    list: async (path) =>
      folders.includes(path)
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
