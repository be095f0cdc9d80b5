import { type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { isUnavailable } from '@kube-rescue/errors';
import type { HostPath } from '@kube-rescue/host';
import type { CheckpointContents, WantedObject } from '@kube-rescue/static-manifests';
import type { NodeDescription } from '@kube-rescue/node';
import { withTrustedRoot } from './cached-trust.ts';
import { workOutCredentials, type WantedCredentials, type WantedSecret } from './credentials.ts';
import type { SelfHostedDeps, SelfHostedOptions, ObjectSources } from './options.ts';

/** What the steps of one phase agree on that credentials are to be. */
export interface CredentialSource {
  /** @throws as `workOutCredentials`, and as the way to the objects */
  readonly wanted: (signal: AbortSignal) => Promise<WantedCredentials>;
  /** For a checkpointer: its Secrets, everything else that it keeps as the cluster has it, and files of the node. */
  readonly contents: (signal: AbortSignal) => Promise<CheckpointContents>;
  /** The Secrets of which no node keeps a copy. */
  readonly uncached: (signal: AbortSignal) => Promise<readonly WantedSecret[]>;
  /** Files of etcd; worked out from cached copies when the objects cannot be read. */
  readonly etcdFiles: (signal: AbortSignal) => Promise<ReadonlyMap<HostPath, Uint8Array>>;
}

const FILE_MODE = 0o600;

/**
 * Works the credentials out once, and answers the same from then on: what is renewed differs each time it is made. Where the
 * objects can be had through the API server only, and that is dead, the cached copies are what is known of them.
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
  const orBlind = (signal: AbortSignal): Promise<WantedCredentials> =>
    wanted(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isUnavailable(error)) return blind(signal);
      throw error;
    });
  const blind = async (signal: AbortSignal): Promise<WantedCredentials> => {
    known ??= await workOutCredentials(options, await deps.describe(), undefined, deps, signal);
    return known;
  };
  let contents: CheckpointContents | undefined;
  const workOutContents = async (signal: AbortSignal): Promise<CheckpointContents> => {
    const node = await deps.describe();
    const isThroughApi = offline.source.via === 'api';
    const { secrets, files, root } = await (isThroughApi ? orBlind(signal) : wanted(signal));
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
      const { files } = await orBlind(signal);
      return new Map([...files].filter(([path]) => isOfEtcd(path, node)));
    },
  };
}

function toWanted({ namespace, name, data }: WantedSecret): WantedObject {
  return { kind: 'Secret', namespace, name, data };
}

function isCached({ folder }: WantedSecret, { checkpoints }: NodeDescription): boolean {
  return checkpoints.checkpoints.some(({ objects }) => objects.some(({ directory }) => directory === folder));
}

function isOfEtcd(path: HostPath, { etcdService }: NodeDescription): boolean {
  return [...(etcdService?.component.flags.values() ?? [])].includes(path);
}

/** What else is cached and is in the cluster: tokens and ConfigMaps, which hold the authority as well. */
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
