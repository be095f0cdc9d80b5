import { type Fields, fieldsAt, type KubernetesObject, listAt, textAt } from '@kube-rescue/cluster-objects';
import { AWS_AUDIENCE, type TokenFile, type WebIdentity } from '../web-identity/web-identity.ts';

/** The annotations of the Amazon EKS Pod Identity Webhook (its README). */
const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';
const AUDIENCE_ANNOTATION = 'eks.amazonaws.com/audience';
const ROLE = 'AWS_ROLE_ARN';
const TOKEN_FILE = 'AWS_WEB_IDENTITY_TOKEN_FILE';

/**
 * The web identity of a workload: from its running pods, which the webhook has changed, else from its own template and the
 * annotations of its service account. `undefined`: it has none.
 */
export function findWebIdentity(
  template: Fields,
  pods: readonly KubernetesObject[],
  account: KubernetesObject | undefined,
  { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
): WebIdentity | undefined {
  const { annotations = {} } = account?.metadata ?? {};
  const mounted = pods.flatMap((pod) => {
    const found = findToken(fieldsAt(pod, 'spec'));
    return found === undefined ? [] : [{ ...found, file: describeFile(pod, found) }];
  });
  const [seen = findToken(template)] = mounted;
  const roleArn = seen?.roleArn ?? annotations[ROLE_ANNOTATION];
  if (roleArn === undefined && seen === undefined) return undefined;
  return {
    roleArn,
    subject: `system:serviceaccount:${namespace}:${serviceAccount}`,
    audience: seen?.audience ?? annotations[AUDIENCE_ANNOTATION] ?? AWS_AUDIENCE,
    tokenFiles: mounted.map(({ file }) => file),
  };
}

interface MountedToken {
  readonly roleArn: string | undefined;
  readonly audience: string | undefined;
  readonly volume: string;
  readonly path: string;
}

/** The projected service account token that the variable of a container names. */
function findToken(pod: Fields): MountedToken | undefined {
  for (const container of listAt(pod, 'containers')) {
    const path = variableOf(container, TOKEN_FILE);
    if (path === undefined) continue;
    for (const mount of listAt(container, 'volumeMounts')) {
      const directory = `${(textAt(mount, 'mountPath') ?? '').replace(/\/$/, '')}/`;
      if (!path.startsWith(directory)) continue;
      const volume = textAt(mount, 'name') ?? '';
      const source = listAt(pod, 'volumes')
        .filter((each) => textAt(each, 'name') === volume)
        .flatMap((each) => listAt(fieldsAt(each, 'projected'), 'sources'))
        .map((each) => fieldsAt(each, 'serviceAccountToken'))
        .find((each) => textAt(each, 'path') === path.slice(directory.length));
      if (source === undefined) continue;
      const audience = textAt(source, 'audience');
      return { roleArn: variableOf(container, ROLE), audience, volume, path: path.slice(directory.length) };
    }
  }
  return undefined;
}

function variableOf(container: Fields, name: string): string | undefined {
  return textAt(
    listAt(container, 'env').find((entry) => textAt(entry, 'name') === name),
    'value',
  );
}

/** Where the kubelet writes a projected volume (Kubernetes `pkg/kubelet/kubelet_getters.go`, `pkg/volume/projected`). */
function describeFile({ metadata, ...pod }: KubernetesObject, { volume, path }: MountedToken): TokenFile {
  const {
    namespace = 'default',
    name,
    uid = '',
  } = metadata as KubernetesObject['metadata'] & { readonly uid?: string };
  return {
    pod: `${namespace}/${name}`,
    node: textAt(fieldsAt(pod, 'spec'), 'nodeName'),
    kubeletPath: `pods/${uid}/volumes/kubernetes.io~projected/${volume}/${path}`,
  };
}
