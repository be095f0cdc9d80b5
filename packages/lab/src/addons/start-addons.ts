import { CA_EXTENSIONS, issueCertificate, type KeyPair, leafExtensions } from '../cluster/certificate-signing.ts';
import { kubeadmPhase } from '../cluster/control-plane.ts';
import { WEB_DEPLOYMENT } from '../cluster/deployment.ts';
import type { LabCluster } from '../cluster/lab-cluster.ts';
import { execOnNode, runOnNode } from '../cluster/node-command.ts';
import { joinPath } from '@kube-rescue/host';
import type { LabDeps } from '../machine/lab-deps.ts';
import { waitFor } from '../machine/waiting.ts';
import { METRICS_SERVER_NAME, metricsServerObjects } from './metrics-server.ts';

const MS_PER_DAY = 24 * 60 * 60 * 1000;
const LIFETIME_DAYS = 10 * 365;
const ROLLOUT_DEADLINE_MS = 180_000;

/** Creates kube-proxy and CoreDNS by kubeadm, metrics-server, and a Service of the lab's workload. */
export async function createAddons(cluster: LabCluster, deps: LabDeps): Promise<void> {
  await kubeadmPhase(cluster, ['addon', 'all'], deps);
  const { ca, served } = await issueForMetricsServer(cluster, deps);
  const items = [...metricsServerObjects(ca.certificate, served), webService()];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input: list });
}

const WORKLOADS = ['daemonset/kube-proxy', 'deployment/coredns', 'deployment/metrics-server'] as const;

/** Restarts the pods of every addon, and waits for the new ones. */
export async function restartAddons(cluster: LabCluster, deps: LabDeps): Promise<void> {
  await runOnNode(cluster, ['kubectl', 'rollout', 'restart', '--namespace=kube-system', ...WORKLOADS], deps);
  await waitForAddons(cluster, deps);
}

/** Waits until every addon runs on every node that it is meant for. */
export async function waitForAddons(cluster: LabCluster, deps: LabDeps): Promise<void> {
  for (const workload of WORKLOADS) {
    await waitFor(deps, {
      subject: workload,
      deadlineMs: ROLLOUT_DEADLINE_MS,
      check: async () => {
        const argv = ['kubectl', 'rollout', 'status', '--namespace=kube-system', '--watch=false', workload] as const;
        const { exitCode, stdout, stderr } = await execOnNode(cluster, argv, deps);
        const isOut = exitCode === 0 && /successfully rolled out/.test(stdout);
        return isOut ? { value: undefined } : { waitingFor: (stdout || stderr).trim() };
      },
    });
  }
}

/** The certificate of metrics-server, of a CA that signs nothing else. */
async function issueForMetricsServer(
  { node }: LabCluster,
  deps: LabDeps,
): Promise<{ readonly ca: KeyPair; readonly served: KeyPair }> {
  const now = deps.clock.now();
  const validity = { notBefore: now, notAfter: new Date(now.getTime() + LIFETIME_DAYS * MS_PER_DAY) };
  const input = { validity, keyAlgorithm: 'ECDSA', workDirectory: node.directory } as const;
  const ca = await issueCertificate(
    { ...input, subject: '/CN=metrics-server-ca', extensions: CA_EXTENSIONS, issuer: 'self' },
    deps,
  );
  const issuer = {
    certificate: joinPath(node.directory, 'metrics-server-ca.crt'),
    key: joinPath(node.directory, 'metrics-server-ca.key'),
  };
  await deps.host.writeFile(issuer.certificate, Buffer.from(ca.certificate), { mode: 0o600 });
  await deps.host.writeFile(issuer.key, Buffer.from(ca.key), { mode: 0o600 });
  const extensions = leafExtensions(['serverAuth'], [`DNS:${METRICS_SERVER_NAME}`]);
  const served = await issueCertificate({ ...input, subject: `/CN=${METRICS_SERVER_NAME}`, extensions, issuer }, deps);
  return { ca, served };
}

function webService(): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: WEB_DEPLOYMENT },
    spec: { selector: { app: WEB_DEPLOYMENT }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}
