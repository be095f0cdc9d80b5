import { createHmac } from 'node:crypto';
import { fieldsAt, type KubernetesObject } from '@kube-rescue/cluster-objects';

/** A bootstrap token, with which nodes join, from its Secret. */
export interface BootstrapToken {
  readonly id: string;
  /** Key material: never print it. */
  readonly secret: string;
}

const SIGNATURE_PREFIX = 'jws-kubeconfig-';
const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
const TOKEN_NAME = /^bootstrap-token-([a-z0-9]{6})$/;

/**
 * The token of a Secret that signs `cluster-info`; `undefined` for another Secret, an expired token, or one not for signing.
 *
 * Source: `validateSecretForSigning` of kube-controller-manager's bootstrap signer, v1.20.
 */
export function readBootstrapToken({ type, metadata, data }: KubernetesObject, now: Date): BootstrapToken | undefined {
  if (type !== TOKEN_TYPE || metadata.namespace !== 'kube-system') return undefined;
  const text = (key: string): string => {
    const value = fieldsAt(data)[key];
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';
  };
  const [id, secret, expiration] = [text('token-id'), text('token-secret'), text('expiration')];
  if (id === '' || secret === '' || TOKEN_NAME.exec(metadata.name)?.[1] !== id) return undefined;
  // An unreadable date counts as expired, as in kube-controller-manager.
  if (expiration !== '' && !(Date.parse(expiration) > now.getTime())) return undefined;
  return text('usage-bootstrap-signing') === 'true' ? { id, secret } : undefined;
}

/**
 * A detached signature (RFC 7515 appendix F, HS256) of the kubeconfig in `cluster-info` by a token; a joining node verifies it.
 *
 * Source: `ComputeDetachedSignature` of k8s.io/cluster-bootstrap.
 */
export function signClusterInfo(kubeconfig: string, { id, secret }: BootstrapToken): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url');
  const payload = Buffer.from(kubeconfig).toString('base64url');
  const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  return `${header}..${signature}`;
}

/** Whether `cluster-info` has a wrong signature of one of the tokens. */
export function isWronglySigned({ data }: KubernetesObject, tokens: readonly BootstrapToken[]): boolean {
  const { kubeconfig, ...others } = fieldsAt(data);
  return tokens.some((token) => {
    const signature = others[SIGNATURE_PREFIX + token.id];
    return (
      typeof kubeconfig === 'string' && signature !== undefined && signature !== signClusterInfo(kubeconfig, token)
    );
  });
}

/** `cluster-info` signed by each of the tokens and by no other, as kube-controller-manager would. */
export function withSignatures(clusterInfo: KubernetesObject, tokens: readonly BootstrapToken[]): KubernetesObject {
  const data = fieldsAt(clusterInfo.data);
  const kubeconfig = data['kubeconfig'];
  if (typeof kubeconfig !== 'string') return clusterInfo;
  const others = Object.entries(data).filter(([key]) => !key.startsWith(SIGNATURE_PREFIX));
  const signatures = tokens.map((token) => [SIGNATURE_PREFIX + token.id, signClusterInfo(kubeconfig, token)] as const);
  return { ...clusterInfo, data: Object.fromEntries([...others, ...signatures]) };
}
