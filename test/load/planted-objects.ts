import { randomBytes } from 'node:crypto';
import type { LabDeps, SelfHostedCluster } from '@kube-rescue/lab';

/** The number of objects to create; Nodes are objects without a machine. */
export interface LoadSize {
  readonly secrets: number;
  readonly deployments: number;
  readonly nodes: number;
}

/** One Secret in this many holds the cluster CA, which the recovery has to replace. */
const SECRETS_PER_CA = 5;
const BLOB_BYTES = 1500;
const CONCURRENCY = 8;
const TIMEOUT_MS = 10 * 60_000;

/** Creates the objects in a healthy cluster, through its API server. */
export async function plantObjects(cluster: SelfHostedCluster, size: LoadSize, deps: LabDeps): Promise<void> {
  const ca = await readCa(cluster, deps);
  const items = [
    ...Array.from({ length: size.secrets }, (_, index) => secret(index, ca)),
    ...Array.from({ length: size.deployments }, (_, index) => deployment(index)),
    ...Array.from({ length: size.nodes }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `load-${index}`, labels: { load: 'yes' } },
    })),
  ];
  const parts = Array.from({ length: CONCURRENCY }, (_, part) =>
    items.filter((_item, index) => index % CONCURRENCY === part),
  );
  await Promise.all(
    parts.map((part) => {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: part });
      return kubectl(cluster, ['create', '--filename', '-'], deps, list);
    }),
  );
}

function secret(index: number, ca: string): object {
  const note = randomBytes(64).toString('base64');
  const data =
    index % SECRETS_PER_CA === 0 ? { 'ca.crt': ca, note } : { blob: randomBytes(BLOB_BYTES).toString('base64') };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `load-${index}`, namespace: 'default' },
    type: 'Opaque',
    data,
  };
}

/** Without replicas: it is inspected like any Deployment, and has no pods. */
function deployment(index: number): object {
  const labels = { load: String(index) };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `load-${index}`, namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'load', image: 'load.invalid/load' }] } },
    },
  };
}

async function readCa(cluster: SelfHostedCluster, deps: LabDeps): Promise<string> {
  const field = 'jsonpath={.clusters[0].cluster.certificate-authority-data}';
  return kubectl(cluster, ['config', 'view', '--raw', '--output', field], deps);
}

async function kubectl(
  { enter, binaries, kubeconfig = '' }: SelfHostedCluster,
  args: readonly string[],
  { host }: LabDeps,
  input?: string,
): Promise<string> {
  const { exitCode, stdout, stderr } = await host.exec(
    [...enter(), `${binaries}/kubectl`, '--kubeconfig', kubeconfig, ...args],
    { timeoutMs: TIMEOUT_MS, input },
  );
  if (exitCode !== 0) throw new Error(`kubectl ${args[0]} ended with ${exitCode}: ${stderr.slice(-500)}`);
  return stdout;
}
