import {
  type Fields,
  fieldsAt,
  type KubernetesObject,
  listAt,
  readObjectData,
  textAt,
} from '@kube-rescue/cluster-objects';
import { findTokens, isTokenOf, readToken, type ServiceAccountToken } from './service-account-token.ts';
import type { VerifyingKey } from './token-key-state.ts';

/** The token of a Secret of type `kubernetes.io/service-account-token` that a former key signed, or no key of the API server. */
export interface TokenSecret {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly token: ServiceAccountToken;
}

/** What may still present a token of a former key. */
export interface TokenHolder {
  /** For example `Pod default/web` or `Secret ci/kubeconfig data.config`. */
  readonly location: string;
  readonly reason: string;
  /** When it presents none any more; `undefined`: it does not end by itself. */
  readonly until: Date | undefined;
}

const TOKEN_SECRET_TYPE = 'kubernetes.io/service-account-token';
const TOKEN_KEY = 'token';

/** The default of `expirationSeconds` of a projected token (`pkg/apis/core/v1/defaults.go`). */
const DEFAULT_LIFETIME_S = 3600;
/** The kubelet requests another token at 80 % of the lifetime, at the latest after a day (`pkg/kubelet/token/token_manager.go`). */
const REFRESH_PART = 0.8;
const LONGEST_REFRESH_MS = 24 * 60 * 60_000;
/** The kubelet syncs a pod once a minute, and a client library rereads its token once a minute: the rest is for a busy machine. */
const SYNC_MS = 5 * 60_000;
const ENDED = ['Succeeded', 'Failed'];

/** The token of a Secret that a former key signed: the API server refuses it once that key is dropped. Pure. */
export function findTokenSecret(
  secret: KubernetesObject,
  former: readonly Pick<VerifyingKey, 'key'>[],
): TokenSecret | undefined {
  if (secret['type'] !== TOKEN_SECRET_TYPE) return undefined;
  const bytes = readObjectData(secret).get(TOKEN_KEY);
  const token = bytes && readToken(Buffer.from(bytes).toString('latin1'));
  if (token === undefined || !former.some(({ key }) => isTokenOf(token, key))) return undefined;
  const { name, namespace = '', annotations } = secret.metadata;
  const serviceAccount = textAt(annotations, 'kubernetes.io/service-account.name') ?? '';
  return { namespace, name, serviceAccount, token };
}

/** Copies of tokens of a former key in any other Secret: kubeconfigs, credentials of pipelines. Pure. */
export function findTokenCopies(
  secret: KubernetesObject,
  former: readonly Pick<VerifyingKey, 'key'>[],
  now: Date,
): readonly TokenHolder[] {
  const { name, namespace = '' } = secret.metadata;
  const isTokenSecret = secret['type'] === TOKEN_SECRET_TYPE;
  return [...readObjectData(secret)].flatMap(([field, bytes]) => {
    if (isTokenSecret && field === TOKEN_KEY) return [];
    const [token] = findTokens(Buffer.from(bytes).toString('latin1')).filter(
      (each) =>
        (each.expiresAt === undefined || each.expiresAt > now) && former.some(({ key }) => isTokenOf(each, key)),
    );
    if (token === undefined) return [];
    const location = `Secret ${namespace}/${name} data.${field}`;
    return [{ location, reason: 'holds a copy of a token of the old key', until: token.expiresAt }];
  });
}

/** A node by its name, and whether its kubelet reports. */
type ReadyNodes = ReadonlyMap<string, boolean>;

/**
 * Pods whose mounted token may still be of a former key: the pod is older than the signing key, and its kubelet need not have
 * requested another token yet. Pure.
 *
 * Does not know a client that keeps its first token in memory: that is refused once the key is dropped, however old the file is.
 * @param signedSince from when on every new token is of the current key
 */
export function findTokenPods(
  pods: readonly unknown[],
  { signedSince, now, nodes }: { readonly signedSince: Date; readonly now: Date; readonly nodes: ReadyNodes },
): readonly TokenHolder[] {
  return pods.flatMap((pod): readonly TokenHolder[] => {
    const metadata = fieldsAt(pod, 'metadata');
    const status = fieldsAt(pod, 'status');
    const spec = fieldsAt(pod, 'spec');
    const lifetime = longestLifetime(spec);
    if (lifetime === undefined || ENDED.includes(textAt(status, 'phase') ?? '')) return [];
    // The kubelet requests the token after it has acknowledged the pod.
    const started = new Date(textAt(status, 'startTime') ?? textAt(metadata, 'creationTimestamp') ?? 0);
    if (started > signedSince) return [];
    const location = `Pod ${textAt(metadata, 'namespace') ?? ''}/${textAt(metadata, 'name') ?? ''}`;
    const node = textAt(spec, 'nodeName');
    if (node === undefined) return [];
    if (nodes.get(node) !== true) {
      return [{ location, reason: `its node ${node} does not report, so its token is not known`, until: undefined }];
    }
    const refresh = Math.min(lifetime * 1000 * REFRESH_PART, LONGEST_REFRESH_MS) + SYNC_MS;
    const until = new Date(signedSince.getTime() + refresh);
    return until <= now ? [] : [{ location, reason: 'its mounted token may be of the old key', until }];
  });
}

/** In seconds; `undefined` without a projected token. */
function longestLifetime(spec: Fields): number | undefined {
  const lifetimes = listAt(spec, 'volumes')
    .flatMap((volume) => listAt(fieldsAt(volume, 'projected'), 'sources'))
    .filter((source) => 'serviceAccountToken' in source)
    .map((source) => fieldsAt(source, 'serviceAccountToken')['expirationSeconds'])
    .map((seconds) => (typeof seconds === 'number' ? seconds : DEFAULT_LIFETIME_S));
  return lifetimes.length === 0 ? undefined : Math.max(...lifetimes);
}

/** The nodes of a cluster and their readiness, as the API server lists them. Pure. */
export function readReadyNodes(nodes: readonly unknown[]): ReadyNodes {
  return new Map(
    nodes.map((node) => {
      const conditions = listAt(fieldsAt(node, 'status'), 'conditions');
      const ready = conditions.find((condition) => textAt(condition, 'type') === 'Ready');
      return [textAt(fieldsAt(node, 'metadata'), 'name') ?? '', textAt(ready, 'status') === 'True'];
    }),
  );
}
