import { etcdctl } from '../../cluster/etcd-client.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { LabDeps } from '../../machine/lab-deps.ts';
import { type Proof, prove } from '../../proofs/proof.ts';

interface Member {
  readonly ID: number;
  readonly name?: string;
  readonly isLearner?: boolean;
}

interface EndpointStatus {
  readonly Status: { readonly leader: number; readonly raftTerm: number; readonly errors?: readonly string[] };
}

interface EndpointHealth {
  readonly endpoint: string;
  readonly health: boolean;
}

/** Proves that every node's etcd is a started voter of one cluster, healthy, and that all follow one leader; by etcdctl. */
export async function proveEtcdMembers(cluster: Cluster, deps: LabDeps): Promise<readonly Proof[]> {
  return Promise.all([proveVoters(cluster, deps), proveHealthy(cluster, deps), proveOneLeader(cluster, deps)]);
}

function proveVoters(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  const expected = cluster.controlPlanes.map(({ node }) => node.name);
  return prove(`etcd has ${expected.length} members, each a started voter`, async () => {
    const { stdout, stderr } = await etcdctl(cluster, ['member', 'list', '--write-out=json'], deps);
    if (stdout === '') return { ok: false, detail: stderr.trim() };
    const { members } = JSON.parse(stdout) as { readonly members: readonly Member[] };
    return { ok: isAllVoting(members, expected), detail: members.map(describeMember).join(', ') };
  });
}

/** Whether the members are exactly those of `names`; a member has a name once it has started. */
export function isAllVoting(members: readonly Member[], names: readonly string[]): boolean {
  const voters = members.filter(({ isLearner }) => isLearner !== true).map(({ name = '' }) => name);
  return voters.toSorted().join() === names.toSorted().join() && members.length === names.length;
}

function describeMember({ name = 'not started', isLearner = false }: Member): string {
  return `${name} (${isLearner ? 'learner' : 'voter'})`;
}

function proveHealthy(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('every member of etcd is healthy', async () => {
    const { stdout, stderr } = await etcdctl(cluster, ['endpoint', 'health', '--cluster', '--write-out=json'], deps);
    if (stdout === '') return { ok: false, detail: stderr.trim() };
    const answers = JSON.parse(stdout) as readonly EndpointHealth[];
    const healthy = answers.filter(({ health }) => health);
    return {
      ok: healthy.length === cluster.controlPlanes.length && answers.length === healthy.length,
      detail: answers.map(({ endpoint, health }) => `${endpoint} ${health ? 'healthy' : 'unhealthy'}`).join(', '),
    };
  });
}

function proveOneLeader(cluster: Cluster, deps: LabDeps): Promise<Proof> {
  return prove('all members of etcd follow one leader', async () => {
    const { stdout, stderr } = await etcdctl(cluster, ['endpoint', 'status', '--cluster', '--write-out=json'], deps);
    if (stdout === '') return { ok: false, detail: stderr.trim() };
    // Large ids lose their last digits, in each answer the same.
    const answers = JSON.parse(stdout) as readonly EndpointStatus[];
    const leaders = new Set(answers.map(({ Status }) => `${Status.leader} in term ${Status.raftTerm}`));
    const errors = answers.flatMap(({ Status }) => Status.errors ?? []);
    return {
      ok: answers.length === cluster.controlPlanes.length && leaders.size === 1 && errors.length === 0,
      detail: `${answers.length} members: ${[...leaders, ...errors].join(', ')}`,
    };
  });
}
