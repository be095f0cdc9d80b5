import { describeError } from '@kube-rescue/errors';
import { type HostPath, joinPath } from '@kube-rescue/host';
import type { Cluster } from '../../cluster/cluster.ts';
import { WEB_DEPLOYMENT, waitForDeployment } from '../../cluster/deployment.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { readEmbeddedCredentials } from '../../cluster/kubeconfig-credentials.ts';
import { nodeFile } from '../../machine/lab-directory.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import { readNodeText } from '../../cluster/node-text.ts';
import { waitFor } from '../../machine/waiting.ts';
import type { FailedRequest, LoadClient } from './failed-request.ts';
import { ADMINISTRATOR, UNCHANGED, WORKLOAD } from './load-scripts.ts';
import { POLLER, pollerPod, readPollerLog } from './polling-pod.ts';

export interface LoadReport {
  readonly requests: Readonly<Record<LoadClient, number>>;
  /** In the order of their time. */
  readonly failures: readonly FailedRequest[];
}

/** Requests that continue until `stop`. */
export interface Load {
  stop(): Promise<LoadReport>;
}

const DEADLINE_MS = 60_000;
const LIFETIME_MS = 60 * 60_000;

/**
 * Puts a load on a cluster: polls its API server from outside with the current kubeconfig and with fixed credentials, from a
 * pod with its token, and a workload over HTTP. Records every failed request with its time and reason. Uses curl and
 * kubectl, not kube-rescue.
 */
export async function startLoad(cluster: Cluster, deps: LabDeps): Promise<Load> {
  const { node } = cluster;
  const stopFile = joinPath(node.directory, 'load.stop');
  await runOnNode(cluster, ['kubectl', 'create', '--filename', '-'], deps, {
    input: JSON.stringify(pollerPod(cluster)),
  });
  const pods = await waitForDeployment(cluster, { name: WEB_DEPLOYMENT, deadlineMs: DEADLINE_MS }, deps);
  const readPod = () =>
    waitFor(deps, {
      subject: `pod/${POLLER}`,
      deadlineMs: DEADLINE_MS,
      check: () => readPollerLog(cluster, deps),
    });
  await readPod();
  const pair = await saveCredentials(cluster, deps);
  const served = joinPath(node.directory, 'load.pods');
  const lines = pods.map(({ address }) => `${address ?? ''} True\n`).join('');
  await deps.host.writeFile(served, Buffer.from(lines), { mode: 0o600 });
  const run = (client: LoadClient, script: string, ...args: readonly string[]) =>
    poll(cluster, client, ['bash', '-c', script, 'load', stopFile, ...args], deps);
  const running = [
    run('administrator', ADMINISTRATOR),
    run('unchanged client', UNCHANGED, pair.certificate, pair.key, `https://${node.address}:6443`),
    run('workload', WORKLOAD, served),
  ];
  return {
    stop: async () => {
      await deps.host.writeFile(stopFile, new Uint8Array(), { mode: 0o600 });
      const polls = await Promise.all(running);
      const pod = await readPod();
      const failures = [...polls.flatMap((each) => each.failures), ...pod.failures];
      const counted = Object.fromEntries(polls.map(({ client, requests }) => [client, requests]));
      return {
        requests: { ...counted, pod: pod.requests } as LoadReport['requests'],
        failures: failures.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
      };
    },
  };
}

/** The credentials of a client from before the rotation. */
export function unchangedClientFiles({ node }: Pick<Cluster, 'node'>): {
  readonly certificate: HostPath;
  readonly key: HostPath;
} {
  return { certificate: joinPath(node.directory, 'unchanged.crt'), key: joinPath(node.directory, 'unchanged.key') };
}

async function saveCredentials(cluster: Cluster, deps: LabDeps): Promise<ReturnType<typeof unchangedClientFiles>> {
  const text = await readNodeText(nodeFile(cluster.node, '/etc/kubernetes/admin.conf'), deps);
  const credentials = readEmbeddedCredentials(text);
  if (credentials === undefined) throw new Error('admin.conf embeds no credentials');
  const files = unchangedClientFiles(cluster);
  await deps.host.writeFile(files.certificate, Buffer.from(credentials.certificate), { mode: 0o600 });
  await deps.host.writeFile(files.key, Buffer.from(credentials.key), { mode: 0o600 });
  return files;
}

interface Poll {
  readonly client: LoadClient;
  readonly requests: number;
  readonly failures: readonly FailedRequest[];
}

async function poll(
  cluster: Cluster,
  client: LoadClient,
  argv: readonly [string, ...string[]],
  deps: LabDeps,
): Promise<Poll> {
  try {
    const { stdout } = await execOnNode(cluster, argv, deps, { timeoutMs: LIFETIME_MS });
    return parsePoll(client, stdout);
  } catch (error) {
    const now = deps.clock.now();
    return { client, requests: 0, failures: [{ client, at: now, until: now, reason: describeError(error) }] };
  }
}

/** @param text lines of `START END REASON` in milliseconds since 1970, and finally `count NUMBER` */
export function parsePoll(client: LoadClient, text: string): Poll {
  const failures = [...text.matchAll(/^(\d{13}) (\d{13}) (.*)$/gm)].map(([, start, end, reason = '']) => ({
    client,
    at: new Date(Number(start)),
    until: new Date(Number(end)),
    reason: reason.trim(),
  }));
  return { client, requests: Number(/^count (\d+)$/m.exec(text)?.[1] ?? 0), failures };
}
