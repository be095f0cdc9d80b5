import type { Cluster } from '../../cluster/cluster.ts';
import { etcdctl } from '../../cluster/etcd-client.ts';
import type { ClusterMachine } from '../../cluster/lab-cluster.ts';
import { execOnNode } from '../../cluster/node-command.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { powerOff, powerOn } from '../../machine/power.ts';
import { waitFor } from '../../machine/waiting.ts';
import { type Proof, prove } from '../../proofs/proof.ts';
import { lostMembers } from './lose-quorum.ts';

const DEADLINE_MS = 90_000;
const PKI = '/etc/kubernetes/pki/etcd';
const LOGS = '/var/log/pods';

/**
 * Starts a lost member again, and proves that it stays outside: its peer port shows another cluster, both refuse each other by the
 * id of the cluster, and the members of the restored etcd are as before. Ends with the member off.
 */
export async function proveNoReturn(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  const [lost] = lostMembers(cluster);
  if (lost === undefined) return [];
  await powerOn(lost.node, deps);
  try {
    const ids = await proveOtherCluster(cluster, lost, deps);
    const refusal = await proveRefused(lost, deps);
    return [ids, refusal, await proveMembers(cluster, lost, deps)];
  } finally {
    await powerOff(lost.node, deps);
  }
}

function proveOtherCluster(cluster: Cluster, lost: ClusterMachine, deps: LabDeps): Promise<Proof> {
  return prove(`${lost.node.name}, started again, is a member of another cluster`, async () => {
    const own = await waitForClusterId(cluster, cluster, deps);
    const other = await waitForClusterId(cluster, lost, deps);
    return { ok: own !== other, detail: `${cluster.node.name} ${own}, ${lost.node.name} ${other}` };
  });
}

/** The header that every peer port adds to its answers. */
function waitForClusterId(from: Cluster, { node }: Pick<ClusterMachine, 'node'>, deps: LabDeps): Promise<string> {
  const trust = ['--cacert', `${PKI}/ca.crt`, '--cert', `${PKI}/peer.crt`, '--key', `${PKI}/peer.key`] as const;
  const head = [
    '--silent',
    '--show-error',
    '--max-time',
    '3',
    '--http1.1',
    '--dump-header',
    '-',
    '--output',
    '/dev/null',
  ];
  const argv = ['curl', ...head, ...trust, `https://${node.address}:2380/members`] as const;
  return waitFor(deps, {
    subject: `the peer port of ${node.name}`,
    deadlineMs: DEADLINE_MS,
    intervalMs: 1000,
    check: async () => {
      const { stdout, stderr } = await execOnNode(from, argv, deps);
      const [, id] = /^X-Etcd-Cluster-ID: (\S+)/im.exec(stdout) ?? [];
      return id === undefined ? { waitingFor: stderr.trim() || 'no id of a cluster' } : { value: id };
    },
  });
}

function proveRefused(lost: ClusterMachine, deps: LabDeps): Promise<Proof> {
  return prove(`etcd of ${lost.node.name} is refused by the id of its cluster, and finds no leader`, async () => {
    const script = `cat ${LOGS}/kube-system_etcd-${lost.node.name}_*/etcd/*.log | grep 'cluster ID mismatch' | tail -n 1`;
    const line = await waitFor(deps, {
      subject: `the log of etcd on ${lost.node.name}`,
      deadlineMs: DEADLINE_MS,
      intervalMs: 1000,
      check: async () => {
        const { stdout } = await execOnNode(lost, ['sh', '-c', script], deps);
        return stdout.trim() === '' ? { waitingFor: 'no refusal in it' } : { value: stdout.trim() };
      },
    });
    const health = await etcdctl(lost, ['endpoint', 'health'], deps);
    const [, message = line] = /"msg":"([^"]+)"/.exec(line) ?? [];
    return { ok: health.exitCode !== 0, detail: message };
  });
}

function proveMembers(cluster: Cluster, lost: ClusterMachine, deps: LabDeps): Promise<Proof> {
  return prove(`${lost.node.name} has not joined`, async () => {
    const { stdout, stderr } = await etcdctl(cluster, ['member', 'list'], deps);
    const lines = stdout.trim().split('\n');
    const ok = lines.length === 1 && (lines[0] ?? '').includes(`, started, ${cluster.node.name}, `);
    return { ok, detail: stdout.trim() || stderr.trim() };
  });
}
