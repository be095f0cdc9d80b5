import { randomBytes } from 'node:crypto';
import type { LabDeps, SelfHostedCluster } from '@kube-rescue/lab';

/** How many objects are planted; Nodes are objects only, no machine is behind them. */
export interface LoadSize {
  readonly secrets: number;
  readonly deployments: number;
  readonly nodes: number;
}

/** One Secret in so many holds the authority of the cluster, which the recovery has to exchange in it. */
const SECRETS_PER_AUTHORITY = 5;
const BLOB_BYTES = 1500;
const LANES = 8;
const TIMEOUT_MS = 10 * 60_000;

/** Creates that many objects more in a healthy cluster, through its API server. */
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
  const lanes = Array.from({ length: LANES }, (_, lane) => items.filter((_item, index) => index % LANES === lane));
  await Promise.all(
    lanes.map((part) => {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: part });
      return kubectl(cluster, ['create', '--filename', '-'], deps, list);
    }),
  );
}

function secret(index: number, ca: string): object {
  const note = randomBytes(64).toString('base64');
  const data =
    index % SECRETS_PER_AUTHORITY === 0 ? { 'ca.crt': ca, note } : { blob: randomBytes(BLOB_BYTES).toString('base64') };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `load-${index}`, namespace: 'default' },
    type: 'Opaque',
    data,
  };
}

/** Without replicas: it is read and judged as any other, and nobody has to run it. */
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
