import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isUnavailable } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { CheckpointContents, WantedObject } from '@kube-rescue/static-manifests';
import type { NodeDescription } from '@kube-rescue/node';
import { withTrustedRoot } from './cached-trust.ts';
import { workOutCredentials, type WantedCredentials, type WantedSecret } from './credentials.ts';
import type { SelfHostedDeps, SelfHostedOptions, ObjectSources } from './options.ts';

/** The new credentials, shared by the steps of one phase. */
export interface CredentialSource {
  /** @throws as `workOutCredentials`, and as the object source */
  readonly wanted: (signal: AbortSignal) => Promise<WantedCredentials>;
  /** For a checkpointer: its Secrets, its other objects as in the cluster, and files of the node. */
  readonly contents: (signal: AbortSignal) => Promise<CheckpointContents>;
  /** The Secrets without a cached copy on a node. */
  readonly uncached: (signal: AbortSignal) => Promise<readonly WantedSecret[]>;
  /** Files of etcd; worked out from cached copies when the objects cannot be read. */
  readonly etcdFiles: (signal: AbortSignal) => Promise<ReadonlyMap<HostPath, Uint8Array>>;
}

const FILE_MODE = 0o600;

/**
 * Works out the credentials once, because each renewal makes other bytes. Uses the cached copies while the objects are served by
 * the API server only, and that is down.
 */
export function createCredentialSource(
  options: SelfHostedOptions,
  { offline }: Pick<ObjectSources, 'offline'>,
  deps: SelfHostedDeps,
): CredentialSource {
  let known: WantedCredentials | undefined;
  const wanted = async (signal: AbortSignal): Promise<WantedCredentials> => {
    const store = await offline.open(signal);
    known ??= await workOutCredentials(options, await deps.describe(), store, deps, signal);
    return known;
  };
  const orFromCache = (signal: AbortSignal): Promise<WantedCredentials> =>
    wanted(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isUnavailable(error)) return fromCache(signal);
      throw error;
    });
  const fromCache = async (signal: AbortSignal): Promise<WantedCredentials> => {
    known ??= await workOutCredentials(options, await deps.describe(), undefined, deps, signal);
    return known;
  };
  let contents: CheckpointContents | undefined;
  const workOutContents = async (signal: AbortSignal): Promise<CheckpointContents> => {
    const node = await deps.describe();
    const isThroughApi = offline.source.via === 'api';
    const { secrets, files, root } = await (isThroughApi ? orFromCache(signal) : wanted(signal));
    const own = secrets.filter((secret) => isCached(secret, node)).map(toWanted);
    const objects = isThroughApi
      ? await withTrustedRoot(node, own, root, deps)
      : [...own, ...(await listOthers(node, own, await offline.open(signal), signal))];
    const mine = [...files].filter(([path]) => !isOfEtcd(path, node));
    return { objects, files: mine.map(([path, bytes]) => ({ path, bytes, fallbackMode: FILE_MODE })) };
  };
  return {
    wanted,
    contents: async (signal) => {
      contents ??= await workOutContents(signal);
      return contents;
    },
    uncached: async (signal) => {
      const node = await deps.describe();
      return (await wanted(signal)).secrets.filter((secret) => !isCached(secret, node));
    },
    etcdFiles: async (signal) => {
      const node = await deps.describe();
      const { files } = await orFromCache(signal);
      return new Map([...files].filter(([path]) => isOfEtcd(path, node)));
    },
  };
}

function toWanted({ namespace, name, data }: WantedSecret): WantedObject {
  return { kind: 'Secret', namespace, name, data };
}

function isCached({ directory: own }: WantedSecret, { checkpoints }: NodeDescription): boolean {
  return checkpoints.checkpoints.some(({ objects }) => objects.some(({ directory }) => directory === own));
}

function isOfEtcd(path: HostPath, { etcdService }: NodeDescription): boolean {
  return [...(etcdService?.component.flags.values() ?? [])].includes(path);
}

/** The other cached objects of the cluster: tokens and ConfigMaps, which hold the CA as well. */
async function listOthers(
  { checkpoints }: NodeDescription,
  own: readonly WantedObject[],
  store: ObjectStore,
  signal: AbortSignal,
): Promise<readonly WantedObject[]> {
  const others: WantedObject[] = [];
  for (const { kind, namespace, name, volume } of checkpoints.checkpoints.flatMap(({ objects }) => objects)) {
    const isOwn = own.some((each) => each.kind === kind && each.namespace === namespace && each.name === name);
    if (volume === undefined || isOwn) continue;
    const read = await store.get({ kind: RESOURCE_KINDS[kind], namespace, name }, { signal });
    if (read !== undefined) others.push({ kind, namespace, name, data: new Map() });
  }
  return others;
}
