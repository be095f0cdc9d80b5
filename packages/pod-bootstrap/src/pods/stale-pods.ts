import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  type ObjectStore,
  RESOURCE_KINDS,
  textAt,
} from '@kube-rescue/cluster-objects';
import type { Clock } from '@kube-rescue/host';
import { identifyComponent, isApiServerPart } from '../controllers/component.ts';
import { readNode } from './node-state.ts';
import { fullName, isActive, isStatic, type Pod, toPod } from './pod.ts';
import { RESCUE_OF } from '../rescue/rescue-pod.ts';
import { listReadable } from '../controllers/pod-context.ts';

const ROOT_CONFIG_MAP = 'kube-root-ca.crt';
const TOKEN = 'kubernetes.io/service-account-token';
/** Of the ClusterTrustBundle in which kube-controller-manager publishes the CA of the API server; its name begins like this. */
const BUNDLE_SIGNER = 'kubernetes.io/kube-apiserver-serving';
const BUNDLE_NAME = 'kubernetes.io:kube-apiserver-serving:';

/** Controllers that replace a deleted pod. */
const REPLACING = ['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController'];

/**
 * Whether a pod mounts the CA of the API server and has a container that started before `publishedAt`. A container
 * that rereads the file may have the new CA already.
 *
 * Pure; objects are as the API server shows them.
 */
function holdsCaOfBefore(
  pod: unknown,
  { tokens, publishedAt }: { readonly tokens: ReadonlySet<string>; readonly publishedAt: Date },
): boolean {
  const isHanded = listAt(fieldsAt(pod, 'spec'), 'volumes').some((volume) => handsOutCa(volume, pod, tokens));
  return isHanded && startsOf(pod).some((start) => start < publishedAt);
}

/**
 * The pods, as `NAMESPACE/NAME`, that mount the CA of the API server and have a container that started before
 * `publishedAt`. Pure; objects are as the API server shows them.
 * @param secrets the token Secrets of all service accounts
 */
export function findStalePods(input: {
  readonly pods: readonly unknown[];
  readonly secrets: readonly unknown[];
  readonly publishedAt: Date;
}): readonly string[] {
  const tokens = new Set(input.secrets.map((secret) => nameOf(secret)));
  const { publishedAt } = input;
  return input.pods.flatMap((pod) => (holdsCaOfBefore(pod, { tokens, publishedAt }) ? [nameOf(pod)] : []));
}

const VITAL =
  'the API server depends on this pod, and without the API server no pod is replaced: restart the pod on its node';

/** A pod that may not trust the API server, and whether it would be replaced after a deletion. */
export interface StalePod {
  readonly pod: Pod;
  /** Why it is not deleted; `undefined` when its controller replaces it. */
  readonly keptBecause: string | undefined;
}

/** Lists the pods of all namespaces that started before the current CA was published, without rescue pods. */
export async function listPodsHoldingOldCa(
  { publishedAt }: { readonly publishedAt: Date },
  deps: { readonly store: Pick<ObjectStore, 'get' | 'list'>; readonly clock: Pick<Clock, 'now'> },
  signal: AbortSignal,
): Promise<readonly StalePod[]> {
  const { store } = deps;
  const secrets = await listReadable(store, RESOURCE_KINDS.Secret, { signal });
  const tokens = new Set(secrets.filter(({ type }) => type === TOKEN).map((secret) => nameOf(secret)));
  const heartbeats = new Map<string, boolean>();
  const isHeartbeatFresh = async (node: string): Promise<boolean> => {
    const known = heartbeats.get(node) ?? (await readNode(node, deps, signal))?.isHeartbeatFresh === true;
    heartbeats.set(node, known);
    return known;
  };
  const objects = await listReadable(store, RESOURCE_KINDS.Pod, { signal });
  const stale: StalePod[] = [];
  for (const object of objects) {
    if (!holdsCaOfBefore(object, { tokens, publishedAt })) continue;
    const pod = toPod(object);
    if (!isActive(pod) || pod.isTerminating || pod.annotations[RESCUE_OF] !== undefined) continue;
    const keptBecause = explainNeeded(object, objects) ?? (await explainKept(pod, isHeartbeatFresh));
    stale.push({ pod, keptBecause });
  }
  return stale.toSorted((a, b) => fullName(a.pod).localeCompare(fullName(b.pod)));
}

/** The only kube-controller-manager or kube-scheduler is not deleted: its replacement would need it. */
function explainNeeded(object: KubernetesObject, all: readonly KubernetesObject[]): string | undefined {
  if (isApiServerPart(object)) return VITAL;
  const component = identifyComponent(object);
  if (component !== 'kube-controller-manager' && component !== 'kube-scheduler') return undefined;
  const others = all.filter((each) => each !== object && identifyComponent(each) === component).map(toPod);
  if (others.some((other) => other.isReady && !other.isTerminating)) return undefined;
  return `no other ${component} is Ready, so the pod would not be replaced: run a rescue pod first (\`kube-rescue pods rescue\`)`;
}

async function explainKept(
  pod: Pod,
  isHeartbeatFresh: (node: string) => Promise<boolean>,
): Promise<string | undefined> {
  if (isStatic(pod)) return 'it is a static pod: change its manifest (`kube-rescue manifests restart`)';
  if (pod.controller === undefined) return 'it has no controller that would replace it: delete and create it by hand';
  if (!REPLACING.includes(pod.controller.kind))
    return `${pod.controller.kind} ${pod.controller.name} may not replace it`;
  if (pod.node === undefined || !(await isHeartbeatFresh(pod.node))) {
    return `its node ${pod.node ?? ''} does not report: its containers restart when the node returns`;
  }
  return undefined;
}

/** From a token Secret, the ConfigMap of the namespace (Kubernetes 1.21 and later), or a ClusterTrustBundle (v1 since 1.37). */
function handsOutCa(volume: Fields, pod: unknown, tokens: ReadonlySet<string>): boolean {
  const secret = textAt(fieldsAt(volume, 'secret'), 'secretName');
  if (secret !== undefined) return tokens.has(nameOf(pod, secret));
  const sources = listAt(fieldsAt(volume, 'projected'), 'sources');
  return sources.some((source) => {
    const { signerName, name } = fieldsAt(source, 'clusterTrustBundle');
    return (
      textAt(fieldsAt(source, 'configMap'), 'name') === ROOT_CONFIG_MAP ||
      signerName === BUNDLE_SIGNER ||
      (typeof name === 'string' && name.startsWith(BUNDLE_NAME))
    );
  });
}

function nameOf(object: unknown, name?: string): string {
  const metadata = fieldsAt(object, 'metadata') as Partial<KubernetesObject['metadata']>;
  return `${metadata.namespace ?? ''}/${name ?? metadata.name ?? ''}`;
}

function startsOf(pod: unknown): readonly Date[] {
  return listAt(fieldsAt(pod, 'status'), 'containerStatuses').flatMap((status) => {
    const startedAt = textAt(fieldsAt(status, 'state', 'running'), 'startedAt');
    return startedAt === undefined ? [] : [new Date(startedAt)];
  });
}
