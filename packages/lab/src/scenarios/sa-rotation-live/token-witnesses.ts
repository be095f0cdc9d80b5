import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { waitFor } from '../../machine/waiting.ts';
import { POLLER, pollerPod, readPollerLog } from '../ca-rotation-live/polling-pod.ts';

/** Tokens of before a rotation, each of another kind. Secrets. */
export interface TokenWitnesses {
  /** By `kubectl create token`. */
  readonly requested: string;
  /** In the Secret {@link TOKEN_SECRET}, signed by kube-controller-manager. */
  readonly ofSecret: string;
  /** The key ID of the file `sa.key`. */
  readonly keyId: string;
}

/** A Secret with a token, as pipelines have it. */
export const TOKEN_SECRET = 'pipeline-token';
const ACCOUNT = 'pipeline';
const DEADLINE_MS = 60_000;
const SIGNING_KEY = '/etc/kubernetes/pki/sa.key';
/** As Kubernetes derives it: base64url of SHA-256 over the public key. */
const KEY_ID = `openssl pkey -in ${SIGNING_KEY} -pubout -outform der | openssl dgst -sha256 -binary | openssl base64 -A`;

/** Creates a service account with a token Secret, a requested token, and a pod that polls the API with its mounted token. */
export async function createTokenWitnesses(cluster: Cluster, deps: LabDeps): Promise<TokenWitnesses> {
  await runOnNode(cluster, ['kubectl', 'create', 'serviceaccount', ACCOUNT], deps);
  const ofSecret = await createTokenSecret(cluster, TOKEN_SECRET, deps);
  await startPoller(cluster, deps);
  return { requested: await requestToken(cluster, deps), ofSecret, keyId: await readSigningKeyId(cluster, deps) };
}

/** Starts the polling pod, and waits for its first answer. */
export async function startPoller(cluster: Cluster, deps: LabDeps): Promise<void> {
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, {
    input: JSON.stringify(pollerPod(cluster)),
  });
  await waitFor(deps, {
    subject: `pod/${POLLER}`,
    deadlineMs: DEADLINE_MS,
    check: () => readPollerLog(cluster, deps),
  });
}

/** @returns the token that kube-controller-manager has signed */
export async function createTokenSecret(cluster: Cluster, name: string, deps: LabDeps): Promise<string> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: { name, annotations: { 'kubernetes.io/service-account.name': ACCOUNT } },
  };
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input: JSON.stringify(secret) });
  return waitFor(deps, {
    subject: `secret/${name}`,
    deadlineMs: DEADLINE_MS,
    check: async () => {
      const token = await readTokenSecret(cluster, name, deps);
      return token === '' ? { waitingFor: 'kube-controller-manager has signed no token' } : { value: token };
    },
  });
}

export async function readTokenSecret(cluster: Cluster, name: string, deps: LabDeps): Promise<string> {
  const argv = ['kubectl', 'get', 'secret', name, '--output', 'jsonpath={.data.token}'] as const;
  const { stdout } = await execOnNode(cluster, argv, deps);
  return Buffer.from(stdout, 'base64').toString();
}

export async function requestToken(cluster: Cluster, deps: LabDeps): Promise<string> {
  return (await runOnNode(cluster, ['kubectl', 'create', 'token', ACCOUNT], deps)).stdout.trim();
}

/** The key ID of the file that signs, by openssl. */
export async function readSigningKeyId(cluster: Cluster, deps: LabDeps): Promise<string> {
  const { stdout } = await runOnNode(cluster, ['sh', '-c', KEY_ID], deps);
  return Buffer.from(stdout.trim(), 'base64').toString('base64url');
}

/** The `kid` in the header of a token. */
export function keyIdOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string };
  return header.kid ?? '';
}

/** The answer of a TokenReview. */
export async function isAccepted(cluster: Cluster, token: string, deps: LabDeps): Promise<boolean> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
  const argv = ['kubectl', 'create', '--filename', '-', '--output', 'jsonpath={.status.authenticated}'] as const;
  const { stdout } = await runOnNode(cluster, argv, deps, { input: JSON.stringify(review) });
  return stdout === 'true';
}
