import {
  isObjectKey,
  type ObjectAccess,
  type ObjectStore,
  readObjectData,
  replaceEdit,
  RESOURCE_KINDS,
  type StoredObject,
  withObjectData,
} from '@kube-rescue/cluster-objects';
import { type HostFiles, type HostPath, joinPath } from '@kube-rescue/host';
import { describeReplacement, type Edit, sha256 } from '@kube-rescue/workflow';
import { ManifestError } from '../errors.ts';
import type { CachedObject, Checkpoint, Checkpoints } from './checkpoint.ts';

/** A Secret or ConfigMap with new bytes for some of its keys. */
export interface WantedObject {
  readonly kind: CachedObject['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** The wanted contents, as one unit. */
export interface CheckpointContents {
  readonly objects: readonly WantedObject[];
  /** Checkpoints whose manifests must change, both copies; `edit` returns the whole new text. Default: none. */
  readonly manifests?: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly edit: (source: string) => string;
  }[];
  /** Further files of the node for the same unit, such as the kubelet's kubeconfig. Default: none. */
  readonly files?: readonly { readonly path: HostPath; readonly bytes: Uint8Array; readonly fallbackMode: number }[];
}

/** The required edits, and the observed state. */
export interface ContentEdits {
  /** Of objects in the cluster. */
  readonly objects: readonly Edit[];
  /** Of files on the node. */
  readonly files: readonly Edit[];
  /** The affected checkpoints. */
  readonly checkpoints: readonly Checkpoint[];
  readonly evidence: readonly string[];
  /** Wanted objects that the cluster does not have. */
  readonly missing: readonly string[];
}

type Files = Pick<HostFiles, 'stat' | 'readFile' | 'readLink'>;

const CACHED_MODE = 0o600;

/**
 * Plans the edits by which objects in the cluster, their cached copies and the manifests get the wanted contents.
 *
 * Edits only what differs. Never adds a key to an object in the cluster, nor its cached file. Without
 * readable objects, edits only existing cached files.
 * @param wanted `undefined`: the cached copies must equal the objects in the cluster
 * @throws ObjectError as the store does
 */
export async function planContents(
  { checkpoints, wanted }: { readonly checkpoints: Checkpoints; readonly wanted: CheckpointContents | undefined },
  deps: { readonly host: Files; readonly objects: ObjectAccess | undefined },
  signal: AbortSignal,
): Promise<ContentEdits> {
  const { checkpoints: all } = checkpoints;
  const wantedObjects = wanted?.objects ?? listCached(all);
  const store = wantedObjects.length === 0 ? undefined : await deps.objects?.open(signal);
  const objectEdits: Edit[] = [];
  const files: Edit[] = [];
  const evidence: string[] = [];
  const missing: string[] = [];
  const touched = new Set<Checkpoint>();
  for (const want of wantedObjects) {
    const { kind, namespace, name } = want;
    const read = store && (await readObject(store, want, signal));
    const title = `${kind} ${namespace}/${name}`;
    if (store !== undefined && read === undefined) {
      if (wanted === undefined) evidence.push(`${title} is cached here, but missing in the cluster`);
      else missing.push(title);
      continue;
    }
    const next = read && withObjectData(read.object, want.data);
    if (deps.objects !== undefined && read !== undefined && next !== undefined && next !== read.object) {
      objectEdits.push(replaceEdit(deps.objects.source, read, next));
      evidence.push(`${title} differs in the cluster`);
    }
    const data = next === undefined ? want.data : readObjectData(next);
    for (const checkpoint of all) {
      const cached = checkpoint.objects.find((each) => isSame(each, want) && !each.isMissing);
      const edits = cached === undefined ? [] : await editCached(cached, data, next !== undefined, deps.host);
      if (edits.length === 0) continue;
      files.push(...edits);
      touched.add(checkpoint);
      evidence.push(...edits.map(({ change }) => `${change.target} differs from ${title}`));
    }
  }
  for (const { namespace, name, edit } of wanted?.manifests ?? []) {
    const checkpoint = all.find((each) => each.namespace === namespace && each.name === name);
    const copies = [checkpoint?.inactive, checkpoint?.active].filter((pod) => pod !== undefined);
    for (const { manifest } of copies) {
      const bytes = Buffer.from(edit(manifest.source));
      const edits = await editFile(manifest.path, bytes, manifest.mode, true, deps.host);
      if (edits.length === 0 || checkpoint === undefined) continue;
      files.push(...edits);
      touched.add(checkpoint);
      evidence.push(`${manifest.path} needs an edit`);
    }
  }
  for (const { path, bytes, fallbackMode } of wanted?.files ?? []) {
    const edits = await editFile(path, bytes, fallbackMode, false, deps.host);
    files.push(...edits);
    evidence.push(...edits.map(({ change }) => `${change.target} differs`));
  }
  return { objects: objectEdits, files, checkpoints: [...touched], evidence, missing };
}

/**
 * The cached files that differ from the objects in the cluster.
 * @throws ObjectError as the store does
 */
export async function findStaleCheckpoints(
  checkpoints: Checkpoints,
  deps: { readonly host: Files; readonly objects: ObjectAccess },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { files } = await planContents({ checkpoints, wanted: undefined }, deps, signal);
  return files.map(({ change }) => change.target);
}

/** Every object with a cached copy, once. */
function listCached(checkpoints: readonly Checkpoint[]): readonly WantedObject[] {
  const all = checkpoints.flatMap(({ objects }) => objects.filter(({ volume }) => volume !== undefined));
  return all
    .filter((object, index) => all.findIndex((other) => isSame(other, object)) === index)
    .map(({ kind, namespace, name }) => ({ kind, namespace, name, data: new Map() }));
}

async function readObject(
  store: ObjectStore,
  { kind, namespace, name }: WantedObject,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  return store.get({ kind: RESOURCE_KINDS[kind], namespace, name }, { signal });
}

async function editCached(
  cached: CachedObject,
  data: ReadonlyMap<string, Uint8Array>,
  mayCreate: boolean,
  host: Files,
): Promise<readonly Edit[]> {
  const edits: Edit[] = [];
  for (const [key, bytes] of data) {
    const present = cached.keys.find((each) => each.key === key);
    if (present === undefined ? !mayCreate : present.digest === sha256(bytes)) continue;
    if (!isObjectKey(key)) throw notAFileName(cached, key);
    edits.push(...(await editFile(joinPath(cached.directory, `./${key}`), bytes, CACHED_MODE, false, host)));
  }
  return edits;
}

/** etcd holds what the API server would refuse, and the key would lead out of the directory. */
function notAFileName({ kind, namespace, name, directory }: CachedObject, key: string): ManifestError {
  return new ManifestError({
    code: 'CHECKPOINT_INVALID',
    message: `${kind} ${namespace}/${name} has a key that is not a file name: ${JSON.stringify(key)}`,
    subject: directory,
    hint: 'find out what wrote it, and remove the key from the object; the API server refuses such keys',
  });
}

async function editFile(
  target: HostPath,
  bytes: Uint8Array,
  fallbackMode: number,
  watched: boolean,
  host: Files,
): Promise<readonly Edit[]> {
  const change = await describeReplacement(host, { target, after: sha256(bytes), fallbackMode, watched });
  return change.before === change.after ? [] : [{ change, material: bytes }];
}

function isSame(a: Pick<WantedObject, 'kind' | 'namespace' | 'name'>, b: typeof a): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
