import type { Cluster } from '../../cluster/cluster.ts';
import { execOnNode, runOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { waitFor } from '../../machine/waiting.ts';

/** The components of which one at a time acts, and the local port of each one's metrics. */
const ELECTED = { 'kube-controller-manager': 10_257, 'kube-scheduler': 10_259 } as const;

/** An election takes the lifetime of the lost lease, 15 s. */
const DEADLINE_MS = 60_000;

/**
 * Proves for each elected component that exactly one of the three says that it leads, that its node holds the lease, and that it
 * renews it: by its own metrics and by the Lease.
 */
export async function proveElections(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const names = ['kube-controller-manager', 'kube-scheduler'] as const;
  return Promise.all(names.map((name) => proveElection(cluster, name, deps)));
}

function proveElection(cluster: Cluster, name: keyof typeof ELECTED, deps: LabDeps): Promise<Proof> {
  return prove(`exactly one ${name} leads, and renews its lease`, async () => {
    const detail = await waitFor(deps, {
      subject: name,
      deadlineMs: DEADLINE_MS,
      intervalMs: 1000,
      check: async () => {
        const before = await readLease(cluster, name, deps);
        const leading = await nodesThatLead(cluster, name, deps);
        if (typeof leading === 'string') return { waitingFor: leading };
        if (leading.length !== 1) return { waitingFor: `leading: ${leading.join(', ') || 'none'}` };
        await deps.clock.sleep(3000, deps.signal);
        const after = await readLease(cluster, name, deps);
        const [holder = '', renewed = ''] = after;
        if (!holder.startsWith(`${leading[0]}_`)) return { waitingFor: `${leading[0]} leads, ${holder} has the lease` };
        if (before[0] !== holder || before[1] === renewed) return { waitingFor: `${holder} does not renew its lease` };
        return { value: `${leading[0]} of ${cluster.controlPlanes.length}, lease renewed at ${renewed}` };
      },
    });
    return { ok: true, detail };
  });
}

/** Holder and time of renewal. */
async function readLease(cluster: Cluster, name: string, deps: LabDeps): Promise<readonly string[]> {
  const output = 'jsonpath={.spec.holderIdentity} {.spec.renewTime}';
  const argv = ['kubectl', 'get', 'lease', '--namespace=kube-system', name, '--output', output] as const;
  return (await runOnNode(cluster, argv, deps)).stdout.split(' ');
}

/** The nodes whose component says that it leads; or why a component does not say. */
async function nodesThatLead(
  { controlPlanes }: Cluster,
  name: keyof typeof ELECTED,
  deps: LabDeps,
): Promise<readonly string[] | string> {
  const leading: string[] = [];
  for (const machine of controlPlanes) {
    // Its serving certificate is self-signed; the administrator's credentials are those that it may ask the API about.
    const to = [`--server=https://127.0.0.1:${ELECTED[name]}`, '--insecure-skip-tls-verify', '--request-timeout=5s'];
    const argv = ['kubectl', 'get', '--raw', '/metrics', ...to] as const;
    const { exitCode, stdout, stderr } = await execOnNode(machine, argv, deps);
    if (exitCode !== 0) return `${machine.node.name}: ${stderr.trim()}`;
    const status = parseMasterStatus(stdout, name);
    if (status === undefined) return `${machine.node.name}: no leader_election_master_status`;
    if (status) leading.push(machine.node.name);
  }
  return leading;
}

/** @param metrics the text of /metrics; `undefined` where it says nothing of the election */
export function parseMasterStatus(metrics: string, name: string): boolean | undefined {
  const value = new RegExp(`^leader_election_master_status\\{name="${name}"\\} (\\d)$`, 'm').exec(metrics)?.[1];
  return value === undefined ? undefined : value === '1';
}
