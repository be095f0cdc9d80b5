import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { requireProgram } from '@kube-rescue/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { Ended } from '../cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from './etcd-node.fixture.ts';

interface Envelope {
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
  readonly result?: Readonly<Record<string, unknown>>;
}
interface Row {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly isThisNode: boolean;
  readonly isLearner: boolean;
  readonly isLeader: boolean;
}

let node: EtcdNode;
afterEach(() => node.remove());

async function run(...args: readonly string[]): Promise<Ended & { readonly envelope: Envelope }> {
  const ended = await node.run('etcd', 'members', ...args, '--json');
  return { ...ended, envelope: JSON.parse(ended.stdout) as Envelope };
}

async function rows(...args: readonly string[]): Promise<readonly Row[]> {
  return ((await run(...args)).envelope.result?.['members'] ?? []) as readonly Row[];
}

const namesIn = (list: readonly Row[]): readonly string[] => list.map(({ name }) => name).toSorted();

/** An election is over, and the majority agrees. */
async function settle(): Promise<void> {
  await node.etcd.etcdctl('get', '/registry/namespaces/default').catch(() => undefined);
  await node.etcd.etcdctl('get', '/registry/namespaces/default').catch(() => undefined);
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0 && requireProgram('etcd', 'etcdctl'))('the members of etcd', () => {
  it('are listed with their state, the majority, and every source', async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1' });
    const { exitCode, envelope } = await run();
    expect(exitCode).toBe(0);
    expect(envelope.result).toMatchObject({ hasQuorum: true, voters: 3, needed: 2, answering: 3, tolerates: 1 });
    const members = envelope.result?.['members'] as readonly Row[];
    expect(namesIn(members)).toEqual(['etcd1', 'etcd2', 'etcd3']);
    expect(members.find(({ isThisNode }) => isThisNode)?.name).toBe('etcd1');
    expect(members.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    expect(members.find(({ name }) => name === 'etcd1')).toMatchObject({
      ...{ peerUrls: [node.etcd.members[0].peerUrl], clientUrls: [node.etcd.endpoints[0]] },
      ...{ answers: true, peerAnswers: true, revisionsBehind: 0, state: 'healthy' },
    });
    const sources = ((envelope.result?.['evidence'] ?? []) as readonly { source: string; voters: number }[]).map(
      ({ source, voters }) => `${source} ${voters}`,
    );
    expect(sources).toContain('client 3');
    expect(sources).toContain('flags 1');

    await node.etcd.members[2]?.stop();
    await settle();
    const shown = await node.run('etcd', 'members', 'list');
    expect(shown.exitCode).toBe(3);
    expect(shown.stdout).toContain('3 voting members, 2 answer, 2 needed: 0 more may fail');
    expect(shown.stdout).toMatch(/etcd1 \* .*ok/);
  });

  it('are compared with the control-plane nodes of the cluster, which do not count', async () => {
    node = await startEtcdNode({ nodeName: 'etcd1' });
    const label = { 'node-role.kubernetes.io/control-plane': '' };
    for (const [name, labels] of [
      ['etcd1', label],
      ['cp2', label],
      ['worker', {}],
    ] as const) {
      await node.create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
    }
    await node.create({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config', namespace: 'kube-system' } },
      data: {
        ClusterStatus: 'kind: ClusterStatus\napiEndpoints:\n  etcd1: {bindPort: 6443}\n  cp3: {bindPort: 6443}\n',
      },
    });
    const { exitCode, envelope } = await run();
    expect(exitCode).toBe(0);
    expect(envelope.result).toMatchObject({
      ...{ voters: 1, needed: 1, nodesWithoutMember: ['cp2', 'cp3'] },
      controlPlanes: { nodes: ['cp2', 'etcd1'], clusterStatus: ['cp3', 'etcd1'] },
    });
    const shown = await node.run('etcd', 'members');
    expect(shown.stdout.replaceAll(/\s+/g, ' ')).toContain(
      '2 control-plane nodes without a member of this etcd: cp2, cp3',
    );
  });

  it('are listed by the peer port while this member waits for a majority', async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1' });
    await Promise.all(node.etcd.members.map((member) => member.stop()));
    await node.etcd.members[0].start({ ready: false });
    const { exitCode, envelope } = await run();
    expect(exitCode).toBe(3);
    expect(envelope.result).toMatchObject({ hasQuorum: false, voters: 3, needed: 2, answering: 1, tolerates: 0 });
    expect(envelope.result?.['evidence']).toMatchObject([{ source: 'peer', voters: 3 }, {}]);
    const refused = await run('remove', 'etcd3', '--yes');
    expect(refused).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_NO_QUORUM' } } });
    expect(refused.envelope.error?.message).toContain('3 members, 1 answers, removing etcd3 leaves 1 of 2 needed');
  });

  it('one that is lost is removed for good, and what brings a new control plane in is printed whole', async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1' });
    await node.etcd.members[2]?.stop();
    await settle();
    const needed = await run('remove', 'etcd2', '--yes');
    expect(needed).toMatchObject({ exitCode: 4, envelope: { error: { code: 'QUORUM_LOSS' } } });
    expect(needed.envelope.error?.message).toContain('3 members, 2 answer, removing etcd2 leaves 1 of 2 needed');
    const unknown = await run('remove', 'etcd9', '--yes');
    expect(unknown).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_MEMBER_UNKNOWN' } } });
    const dry = await node.run('etcd', 'members', 'remove', 'etcd3', '--dry-run');
    expect(dry.exitCode).toBe(3);
    expect(dry.stdout.replaceAll(/\s+/g, ' ')).toContain('no rollback puts them back');
    expect(await run('remove', 'etcd3')).toMatchObject({ envelope: { error: { code: 'CONFIRMATION_REQUIRED' } } });
    expect(namesIn(await rows())).toEqual(['etcd1', 'etcd2', 'etcd3']);

    const done = await run('remove', 'etcd3', '--yes');
    expect({ exitCode: done.exitCode, stderr: done.stderr }).toMatchObject({ exitCode: 0 });
    expect(done.stderr.replaceAll(/\s+/g, ' ')).toContain('This cannot be undone: a removed member never returns');
    expect(namesIn(await rows())).toEqual(['etcd1', 'etcd2']);
    const { steps } = (done.envelope.result as { replacement: { steps: readonly { command: string }[] } }).replacement;
    expect(steps.map(({ command }) => command.split(' ').slice(0, 3).join(' '))).toEqual([
      ...['kubeadm reset --force', 'kubectl --kubeconfig /etc/kubernetes/admin.conf', 'kubeadm init phase'],
      ...['kubeadm token create', 'kubeadm join 127.0.0.1:6443'],
    ]);
    // As the documentation of kubeadm computes it.
    const ca = path.join(node.root, 'etc/kubernetes/pki/ca.crt');
    const script =
      'openssl x509 -pubkey -noout -in "$0" | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex';
    const hash = execFileSync('sh', ['-c', script, ca], { encoding: 'utf8' }).trim().split(' ').at(-1);
    expect(steps.at(-1)?.command).toBe(
      `kubeadm join 127.0.0.1:6443 --token TOKEN --discovery-token-ca-cert-hash sha256:${hash} --control-plane --certificate-key CERTIFICATE_KEY`,
    );

    const undone = await node.run('rollback', String(done.envelope.result?.['runId']), '--yes', '--json');
    expect(undone.exitCode).toBe(6);
    expect(undone.stdout).toContain('a member that was removed never returns');
    expect(namesIn(await rows())).toEqual(['etcd1', 'etcd2']);
  });

  it('the last one is restored as a cluster of its own only without a majority, and with all others named', async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1' });
    const file = path.join(node.root, 'last.db');
    expect((await node.run('etcd', 'snapshot', file)).exitCode).toBe(0);
    const restore = async (...args: readonly string[]): Promise<Ended & { readonly envelope: Envelope }> => {
      const ended = await node.run('etcd', 'restore', '--from', file, '--json', ...args);
      return { ...ended, envelope: JSON.parse(ended.stdout) as Envelope };
    };
    const working = await restore('--without', 'etcd2,etcd3', '--yes');
    expect(working).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_RESTORE_REFUSED' } } });
    expect(working.envelope.error?.message).toContain('a majority of etcd works');
    expect(working.envelope.error?.hint).toContain('kube-rescue etcd members remove');

    await Promise.all(node.etcd.members.slice(1).map((member) => member.stop()));
    await until(async () => (await run()).envelope.result?.['hasQuorum'] === false);
    const unnamed = await restore('--yes');
    expect(unnamed).toMatchObject({ exitCode: 4, envelope: { error: { code: 'LAYOUT_UNSUPPORTED' } } });
    expect(unnamed.envelope.error?.hint).toContain('--without etcd2,etcd3');
    for (const [names, code, message] of [
      ['etcd2', 'ETCD_RESTORE_REFUSED', 'etcd3 is not named'],
      ['etcd2,etcd9', 'ETCD_MEMBER_UNKNOWN', 'etcd has no member etcd9'],
    ] as const) {
      const refused = await restore('--without', names, '--yes');
      expect(refused).toMatchObject({ exitCode: 4, envelope: { error: { code } } });
      expect(refused.envelope.error?.message).toContain(message);
    }
    const both = await restore('--without', 'etcd2,etcd3', '--replace-working-etcd', '--yes');
    expect(both.exitCode).toBe(2);

    const flags = ['--without', 'etcd2', '--without', 'etcd3', '--accept-other-cluster', '--dry-run'];
    const planned = await node.run('etcd', 'restore', '--from', file, ...flags);
    expect(planned.exitCode).toBe(3);
    const words = planned.stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain('no answer from etcd2, etcd3');
    expect(words).toContain('etcd2, etcd3 must stay off for good');
  });

  it('the leader is no exception', async () => {
    node = await startEtcdNode({ members: 3, nodeName: 'etcd1' });
    const leader = (await rows()).find(({ isLeader }) => isLeader);
    const done = await run('remove', leader?.id ?? '', '--yes');
    // The line that is pasted names the node, not the id that was given.
    expect(JSON.stringify(done.envelope.result)).toContain(`delete node ${leader?.name ?? ''}"`);
    expect({ exitCode: done.exitCode, stdout: done.stdout, stderr: done.stderr }).toMatchObject({ exitCode: 0 });
    const left = await rows('--endpoint', remaining(leader?.name));
    expect(namesIn(left)).not.toContain(leader?.name);
  });

  it('the only one cannot be removed', async () => {
    node = await startEtcdNode({ nodeName: 'etcd1' });
    const refused = await run('remove', 'etcd1', '--yes');
    expect(refused).toMatchObject({ exitCode: 4, envelope: { error: { code: 'QUORUM_LOSS' } } });
    expect(refused.envelope.error?.message).toContain('1 member, 1 answers, removing etcd1 leaves 0 of 1 needed');
  });

  it('a learner gets its vote once it has caught up, and not before it answers', async () => {
    node = await startEtcdNode({ nodeName: 'etcd1' });
    const learner = await node.etcd.addLearner('etcd2');
    await until(async () => (await rows()).some(({ name, state }) => name === 'etcd2' && state === 'healthy'));
    await learner.stop();
    const refused = await run('promote', 'etcd2', '--yes');
    expect(refused).toMatchObject({ exitCode: 4, envelope: { error: { code: 'QUORUM_LOSS' } } });
    await learner.start({ ready: false });
    await until(async () => (await rows()).some(({ name, state }) => name === 'etcd2' && state === 'healthy'));
    const done = await run('promote', 'etcd2', '--yes');
    expect({ exitCode: done.exitCode, stdout: done.stdout }).toMatchObject({ exitCode: 0 });
    expect((await rows()).map(({ isLearner }) => isLearner)).toEqual([false, false]);
    const again = await run('promote', 'etcd2', '--yes');
    expect(again).toMatchObject({ exitCode: 0, envelope: { result: { outcome: 'nothing-to-do' } } });
  });
});

/** The endpoint of a member that is not `name`. */
function remaining(name: string | undefined): string {
  return node.etcd.members.find((member) => member.name !== name)?.endpoint ?? '';
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('it did not come about');
  }
}
