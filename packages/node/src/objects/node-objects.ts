import { type ComponentFlags, findComponent, hostPathOf, readKubeconfigClient } from '@kube-rescue/node-config';
import type { ObjectStore } from '@kube-rescue/cluster-objects';
import type { EncryptionConfiguration } from '@kube-rescue/etcd-access';
import { hostPath, type HostPath } from '@kube-rescue/host';
import { NodeError } from '../errors.ts';
import { assertLive } from '../live-node.ts';
import { connectByProbe, type EtcdSearch, probeNodeEtcd } from '../etcd/etcd-connection.ts';
import type { NodeApi } from '../api/node-api.ts';
import type { NodeDeps, NodeDescription } from '../node-description.ts';

/** The source of the cluster's objects: etcd, or the API server. */
export type ObjectsVia = 'etcd' | 'api';

/** Which source serves the objects, and how etcd is searched for. */
export interface ObjectPath {
  readonly via: ObjectsVia;
  readonly search: EtcdSearch;
}

/** The objects of the cluster; the caller closes the connection. */
export interface NodeObjects {
  readonly store: ObjectStore;
  /** False when etcd has no quorum: reads may be stale, and writes are refused. */
  readonly mayWrite: boolean;
  close(): Promise<void>;
}

/** Names of the flag, newest first; it is no longer experimental since v1.13. */
export const ENCRYPTION_FLAGS = ['encryption-provider-config', 'experimental-encryption-provider-config'];

/**
 * Opens the objects of the cluster: in the etcd of this node's API server, below its prefix and with its encryption; or through
 * that API server, as the administrator.
 *
 * @throws NodeError `ENCRYPTION_UNREADABLE` `API_SERVER_UNKNOWN` `NODE_NOT_LIVE`; EtcdError `ETCD_NO_WORKING_CREDENTIALS`; ObjectError
 * `OBJECT_ENCRYPTION_INVALID`; PkiError when the administrator's kubeconfig cannot be used
 */
export async function openNodeObjects(
  node: NodeDescription,
  { via, search }: ObjectPath,
  deps: NodeDeps,
  signal: AbortSignal,
): Promise<NodeObjects> {
  if (via === 'api') return openThroughApi(node, deps);
  const encryption = await readEncryption(node, deps);
  const prefix = apiServerOf(node)?.flags.get('etcd-prefix');
  const probe = await probeNodeEtcd(node, search, deps, signal);
  const { client, connection } = await connectByProbe(probe, deps, signal, search.timeoutMs);
  const { connectKmsPlugins, createEtcdObjectStore } = await import('@kube-rescue/etcd-access');
  const serializable = !connection.hasQuorum;
  const mounts = apiServerOf(node)?.mounts;
  const pathOnNode = mounts && ((path: HostPath) => hostPathOf({ mounts }, path));
  const kms = connectKmsPlugins({ host: deps.host, clock: deps.clock, pathOnNode });
  return {
    store: createEtcdObjectStore({ kv: client, clock: deps.clock, prefix, encryption, kms, serializable }),
    mayWrite: connection.hasQuorum,
    close: async () => {
      kms.close();
      client.close();
    },
  };
}

/**
 * The API server of this node while it is ready, because it knows every kind and validates and admits writes; etcd otherwise.
 * Waits at most five seconds for an answer.
 *
 * @throws as `Node.describe`
 */
export async function chooseObjectsVia({ api }: { readonly api: NodeApi }, signal: AbortSignal): Promise<ObjectsVia> {
  const reading = await api.read('/readyz', signal);
  return reading.state === 'answered' && reading.status === 200 ? 'api' : 'etcd';
}

async function openThroughApi(node: NodeDescription, { host }: NodeDeps): Promise<NodeObjects> {
  assertLive(host, 'API server');
  const server = node.apiServerUrl;
  if (server === undefined) {
    throw new NodeError({
      code: 'API_SERVER_UNKNOWN',
      message: 'no API server is configured on this node',
      subject: node.staticPods.directory,
      hint: 'run this on a control-plane node, or use etcd: --via etcd',
    });
  }
  const { ca, certificate, key } = await readKubeconfigClient(node.adminKubeconfig, { host }, node.adminContext);
  const { connectApiServer } = await import('@kube-rescue/cluster-objects/api');
  const dial = host.connect.bind(host);
  const store = connectApiServer({ server, ca, client: { certificate, key } }, { dial });
  return { store, mayWrite: true, close: () => store.close() };
}

async function readEncryption(node: NodeDescription, { host }: NodeDeps): Promise<EncryptionConfiguration | undefined> {
  const component = apiServerOf(node);
  const flag = ENCRYPTION_FLAGS.find((name) => component?.flags.has(name));
  const value = flag === undefined ? undefined : component?.flags.get(flag);
  if (component === undefined || flag === undefined || value === undefined) return undefined;
  const unreadable = (message: string): NodeError =>
    new NodeError({
      code: 'ENCRYPTION_UNREADABLE',
      message: `cannot read the encryption-provider-config of the API server: ${message}`,
      subject: value,
      hint: 'restore the file to the path that the manifest mounts, or use the API server: --via api',
    });
  if (component.unmapped?.includes(flag) === true)
    throw unreadable('the file is in the container only, not on the node');
  const bytes = await host.readFile(hostPath(value));
  if (bytes === undefined) throw unreadable('file not found');
  const { parseEncryptionConfiguration } = await import('@kube-rescue/etcd-access');
  return parseEncryptionConfiguration(new TextDecoder().decode(bytes), value);
}

function apiServerOf({ components }: NodeDescription): ComponentFlags | undefined {
  return findComponent(components, 'kube-apiserver');
}
