import type { LabCluster } from '../cluster/lab-cluster.ts';
import { execOnNode, runOnNode } from '../cluster/node-command.ts';
import type { LabDeps } from '../machine/lab-deps.ts';
import { type ClusterNode, nodeFile } from '../machine/lab-directory.ts';
import { waitFor } from '../machine/waiting.ts';

/** The link to the serving certificate that the kubelet has requested. */
export const KUBELET_SERVER_PEM = '/var/lib/kubelet/pki/kubelet-server-current.pem';

const DEADLINE_MS = 90_000;
const REQUESTS =
  'jsonpath={range .items[?(@.spec.signerName=="kubernetes.io/kubelet-serving")]}{.metadata.name} {.spec.username} {.status.conditions[*].type}{"\\n"}{end}';

/** Approves the serving certificate of every kubelet, as an administrator does, and waits until each has it. */
export async function approveServing(cluster: LabCluster, deps: LabDeps): Promise<void> {
  await waitFor(deps, {
    subject: 'kubelet serving certificates',
    deadlineMs: DEADLINE_MS,
    intervalMs: 500,
    check: async () => {
      const listed = await execOnNode(cluster, ['kubectl', 'get', 'csr', '--output', REQUESTS], deps);
      const pending = pendingRequests(listed.stdout);
      if (pending.length > 0) await runOnNode(cluster, ['kubectl', 'certificate', 'approve', ...pending], deps);
      const without = await nodesWithoutServing(cluster, deps);
      if (without.length === 0) return { value: undefined };
      return { waitingFor: `no serving certificate on ${without.map(({ name }) => name).join(', ')}` };
    },
  });
}

async function nodesWithoutServing({ nodes }: LabCluster, { host }: LabDeps): Promise<readonly ClusterNode[]> {
  const links = await Promise.all(nodes.map(({ node }) => host.readLink(nodeFile(node, KUBELET_SERVER_PEM))));
  return nodes.map(({ node }) => node).filter((_, index) => links[index] === undefined);
}

/** @param listing lines of name, user and conditions */
export function pendingRequests(listing: string): readonly string[] {
  return listing
    .split('\n')
    .map((line) => line.trim().split(' '))
    .filter((words) => words.length === 2)
    .map(([name = '']) => name);
}
