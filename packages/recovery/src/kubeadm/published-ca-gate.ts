import { fieldsAt, textAt } from '@kube-rescue/cluster-objects';
import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import { readKubeconfigTrust } from '@kube-rescue/node-config';
import { findStalePods } from '@kube-rescue/pod-bootstrap';
import type { Step, StepId, Verdict } from '@kube-rescue/workflow';
import type { Node } from '@kube-rescue/node';
import { parseCertificates } from '@kube-rescue/x509';
import { createGateStep } from '../gates/gate-step.ts';
import { describePodCertificates, findPodCertificates } from '../rotation/pod-certificates.ts';
import { CA_PUBLISHED } from '../step-ids.ts';
import { listTrustBundles } from './published-trust-bundles.ts';

const TIMEOUT_MS = 120_000;
const ROOT_CONFIG_MAPS = '/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt';
const TOKEN_SECRETS = '/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token';
const CLUSTER_INFO = '/api/v1/configmaps?fieldSelector=metadata.name%3Dcluster-info';

/**
 * Verifies that kube-controller-manager publishes the cluster CA certificate of the disk: in the ConfigMap `kube-root-ca.crt` of every
 * namespace, which pods mount (since Kubernetes 1.20, kube-controller-manager `pkg/controller/certificates/rootcacertpublisher`), in
 * the token Secrets that exist, and in its ClusterTrustBundle where the API server serves them. Since Kubernetes 1.24 none is made by itself (LegacyServiceAccountTokenNoAutoGeneration), so their
 * absence is no problem; a cluster that publishes nothing at all is. Warns of the rest: pods that read the old CA at their start, pods with certificates of it, and the `cluster-info` that new nodes join by.
 */
export function createPublishedCaGate(
  node: Node,
  options: {
    /** Warn of pods and `cluster-info` with the old CA; later steps may fix them. Default: true. */
    readonly warns?: boolean | undefined;
  },
  requires: readonly StepId[],
): Step {
  return createGateStep(
    {
      id: CA_PUBLISHED,
      title: 'verify that every service account has the cluster CA',
      requires,
      timeoutMs: TIMEOUT_MS,
      observe: async (signal) => {
        const verdict = await inspectPublished(node, signal);
        return verdict.verified && options.warns === false ? { ...verdict, warnings: undefined } : verdict;
      },
    },
    node,
  );
}

async function inspectPublished(node: Node, signal: AbortSignal): Promise<Verdict> {
  const { components } = await node.describe();
  const flags = components.find(({ component }) => component === 'kube-controller-manager')?.flags;
  const path = flags?.get('root-ca-file');
  const bytes = path === undefined ? undefined : await node.host.readFile(hostPath(path));
  if (bytes === undefined)
    return { verified: true, evidence: ['kube-controller-manager publishes no CA (--root-ca-file)'] };
  const present = Buffer.from(bytes).toString().trim();

  const configMaps = await node.api.list(ROOT_CONFIG_MAPS, signal);
  const secrets = await node.api.list(TOKEN_SECRETS, signal);
  if (configMaps === undefined || secrets === undefined) {
    return { verified: false, reason: 'the API server does not list the CA bundles of service accounts' };
  }
  const bundles = await listTrustBundles(node, signal);
  const published = [
    ...configMaps.map((object) => ({ name: nameOf('ConfigMap', object), pem: pemOf(object) })),
    ...secrets.map((object) => ({ name: nameOf('Secret', object), pem: decode(pemOf(object)) })),
    ...bundles,
  ];
  const what = [
    'ConfigMaps kube-root-ca.crt',
    ...(secrets.length === 0 ? [] : ['token Secrets']),
    ...(bundles.length === 0 ? [] : ['ClusterTrustBundles']),
  ].join(' and ');
  if (configMaps.length + secrets.length === 0) {
    const hint =
      'kube-controller-manager makes one in each namespace: read its log in /var/log/pods, and check its --controllers for root-ca-cert-publisher';
    return {
      verified: false,
      reason: 'no namespace has the ConfigMap kube-root-ca.crt, and there is no token Secret',
      hint,
    };
  }
  const old = published.filter(({ pem }) => pem.trim() !== present);
  if (old[0] !== undefined) {
    const reason = `${old.length} of ${published.length} ${what} still publish another CA, such as ${old[0].name}`;
    return { verified: false, reason, hint: 'read the log of kube-controller-manager in /var/log/pods' };
  }
  const evidence = [`${published.length} ${what} publish ${path}`];
  const [ca] = parseCertificates(present, `${path}`);
  const warnings = [
    ...(await warnOfPods(node, { secrets, publishedSince: ca.notBefore }, signal)),
    ...describePodCertificates(await findPodCertificates(ca, node, signal)),
    ...(await warnOfClusterInfo(node, present, signal)),
  ];
  return { verified: true, evidence, ...(warnings.length === 0 ? {} : { warnings }) };
}

const MANY = 20;
/** An older CA was not issued by this recovery, nor by the run that it resumes. */
const RECENT_MS = 60 * 60_000;

async function warnOfPods(
  node: Node,
  { secrets, publishedSince }: { readonly secrets: readonly unknown[]; readonly publishedSince: Date },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const now = node.clock.now();
  const age = now.getTime() - publishedSince.getTime();
  if (age > RECENT_MS) return [];
  const pods = await node.api.list('/api/v1/pods', signal);
  if (pods === undefined) return ['cannot tell which pods hold an old CA: the API server does not list the pods'];
  const names = findStalePods({ pods, secrets, publishedAt: now });
  if (names.length === 0) return [];
  const list = `${names.slice(0, MANY).join(', ')}${names.length > MANY ? ` and ${names.length - MANY} more` : ''}`;
  return [`pods that started with the old CA, and may refuse the API server until they restart: ${list}`];
}

/** New nodes join by it; its kubeconfig embeds the CA (kubeadm `app/phases/bootstraptoken/clusterinfo`). */
async function warnOfClusterInfo(node: Node, present: string, signal: AbortSignal): Promise<readonly string[]> {
  const [info] = (await node.api.list(CLUSTER_INFO, signal)) ?? [];
  const kubeconfig = textAt(fieldsAt(info, 'data'), 'kubeconfig') ?? '';
  if (kubeconfig === '' || trustedIn(kubeconfig).includes(present)) return [];
  return ['kube-public/cluster-info holds another CA, so no node can join: run kubeadm init phase bootstrap-token'];
}

/** The embedded CAs; none of a kubeconfig that cannot be read, with which no node can join either. */
function trustedIn(kubeconfig: string): readonly string[] {
  try {
    const trusts = readKubeconfigTrust(kubeconfig, hostPath('/cluster-info'));
    return trusts.flatMap((trust) => (trust.in === 'kubeconfig' ? [trust.text.trim()] : []));
  } catch (error) {
    if (isRecoveryError(error)) return [];
    throw error;
  }
}

function pemOf(object: unknown): string {
  return textAt(fieldsAt(object, 'data'), 'ca.crt') ?? '';
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}

function nameOf(kind: string, object: unknown): string {
  const { namespace, name } = fieldsAt(object, 'metadata');
  return `${kind} ${String(namespace)}/${String(name)}`;
}
