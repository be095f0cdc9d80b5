import type { Cluster } from '../../cluster/cluster.ts';
import { WEB_DEPLOYMENT } from '../../cluster/deployment.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { WEB_IMAGE } from '../../kubernetes/images.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { Proof } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';
import { POLLER } from './polling-pod.ts';

const DAEMON_SET = 'agent';
const STATEFUL_SET = 'store';
/** One workload of each kind of controller. */
const CONTROLLED = [WEB_DEPLOYMENT, DAEMON_SET, STATEFUL_SET];
const READY_DEADLINE_MS = 60_000;

/** The UIDs of the pods in the default namespace, by name. */
export type PodUids = Readonly<Record<string, string>>;

/** Creates a DaemonSet and a StatefulSet beside the Deployment that every lab has, and waits until their pods are Ready. */
export async function createRollingWorkloads(cluster: Cluster, deps: LabDeps): Promise<void> {
  const items = [
    workload('DaemonSet', DAEMON_SET, {}),
    workload('StatefulSet', STATEFUL_SET, { serviceName: STATEFUL_SET, replicas: 2 }),
  ];
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, { input });
  for (const resource of [`daemonset/${DAEMON_SET}`, `statefulset/${STATEFUL_SET}`]) {
    await waitFor(deps, {
      subject: resource,
      deadlineMs: READY_DEADLINE_MS,
      check: async () => {
        const argv = ['kubectl', 'rollout', 'status', resource, '--watch=false'] as const;
        const { stdout } = await execOnNode(cluster, argv, deps);
        return /success|complete/.test(stdout) ? { value: undefined } : { waitingFor: stdout.trim() };
      },
    });
  }
}

export async function listPodUids(cluster: Cluster, deps: LabDeps): Promise<PodUids> {
  const output = '--output=jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}';
  const { stdout } = await runOnNode(cluster, ['kubectl', 'get', 'pods', output], deps);
  return Object.fromEntries([...stdout.matchAll(/^(\S+) (\S+)$/gm)].map(([, name = '', uid = '']) => [name, uid]));
}

/**
 * Proves that every pod with a controller was replaced, and that the pod without a controller was kept and named.
 *
 * @param warnings the command's messages about pods
 */
export function proveRollingRestart(before: PodUids, after: PodUids, warnings: readonly string[]): readonly Proof[] {
  const old = new Set(Object.values(before));
  const kept = Object.entries(after).filter(([name, uid]) => old.has(uid) && name !== POLLER);
  const count = (pods: PodUids, controller: string): number =>
    Object.keys(pods).filter((name) => name.startsWith(`${controller}-`)).length;
  const missing = CONTROLLED.filter((each) => count(after, each) === 0 || count(after, each) !== count(before, each));
  const isNamed = warnings.some((line) => line.includes(`default/${POLLER} `));
  return [
    {
      name: 'the pods of a Deployment, a DaemonSet and a StatefulSet were replaced',
      ok: kept.length === 0 && missing.length === 0,
      detail: [
        ...kept.map(([name]) => `${name} was not replaced`),
        ...missing.map((name) => `pods of ${name} are missing`),
      ].join(', '),
    },
    {
      name: 'the pod without a controller was kept and named',
      ok: after[POLLER] !== undefined && after[POLLER] === before[POLLER] && isNamed,
      detail: warnings.join('; '),
    },
  ];
}

function workload(kind: string, name: string, over: object): object {
  const labels = { app: name };
  const container = {
    name: 'web',
    image: WEB_IMAGE,
    imagePullPolicy: 'Never',
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
  };
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: { ...over, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
