import { HostError, hostPath, parentPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock, expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertHarmsNoOthers } from './rollback-members.ts';

const SIGNAL = new AbortController().signal;
const WORSE = {
  run: '20261122T111800Z-1f3a',
  reasons: ['/etc/kubernetes/pki/apiserver.crt: the old one expired'],
  targets: ['/etc/kubernetes/pki/apiserver.crt'],
};
const CA = { ...WORSE, reasons: [], targets: ['/etc/kubernetes/pki/etcd/ca.crt', '/etc/kubernetes/pki/etcd/ca.key'] };
const ETCD = { ...WORSE, reasons: [], targets: ['/etc/kubernetes/manifests/etcd.yaml'] };
const SCHEDULER = { ...WORSE, reasons: [], targets: ['/etc/kubernetes/manifests/kube-scheduler.yaml'] };

interface Planted {
  /** Name, and what it is: a member answers unless it is `down`. */
  readonly members: readonly (readonly [name: string, state?: 'down' | 'learner'])[];
  readonly hasQuorum?: boolean;
  readonly kind?: 'live' | 'copy';
}

/** A node `node01` whose etcd lists these members. */
async function nodeOf({ members, hasQuorum = true, kind = 'live' }: Planted): Promise<Node> {
  const { tree } = await buildPki({ algorithm: 'ecdsa', now: new Date('2026-11-22T12:00:00Z') });
  const down = members.filter(([, state]) => state === 'down').map(([name]) => name);
  const host = {
    ...createFakeHost({ tree }),
    kind,
    request: async ({ url }: { readonly url: string }) => {
      if (!down.includes(new URL(url).hostname)) return { status: 200, body: '' };
      throw new HostError({ code: 'HOST_CONNECTION_FAILED', message: 'no response', subject: url, hint: 'start it' });
    },
  };
  const options = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
  const node = openNode(options, { host, clock: createFixedClock('2026-11-22T12:00:00Z') });
  const listed = members.map(([name, state], index) => ({
    ...{ id: String(index), name, clientUrls: [], isLearner: state === 'learner' },
    peerUrls: [`http://${name}:2380`],
  }));
  const client = { members: async () => listed, close: () => undefined };
  const etcd = (async () => ({ client, connection: { hasQuorum } })) as unknown as Node['etcd'];
  return { ...node, etcd };
}

it.each([
  ['brings back certificates that do not work', WORSE, 'the old one expired'],
  ['changes a CA', CA, 'would have the old /etc/kubernetes/pki/etcd/ca.crt, /etc/kubernetes/pki/etcd/ca.key'],
])('is refused on one of several members of a cluster that works when it %s', async (_title, effect, reason) => {
  const node = await nodeOf({ members: [['node01'], ['cp2'], ['cp3', 'down']] });
  const error = await expectCode(assertHarmsNoOthers(effect, node, SIGNAL), 'ROLLBACK_WORSE');
  expect(error.message).toContain('2 of 3 members of etcd answer, 2 are needed');
  expect(error.message).toContain('node01 (this node), cp2; no answer from cp3');
  expect(error.message).toContain(reason);
  expect(error.hint).not.toContain('--force');
});

it('is refused when etcd would restart and the others alone are no majority', async () => {
  const node = await nodeOf({ members: [['node01'], ['cp2'], ['cp3', 'down']] });
  const error = await expectCode(assertHarmsNoOthers(ETCD, node, SIGNAL), 'QUORUM_LOSS');
  expect(error.message).toContain('3 members, 2 answer, restarting node01 leaves 1 of 2 needed');
});

it('with another CA is refused without a majority too: the others keep theirs', async () => {
  const node = await nodeOf({ members: [['node01'], ['cp2', 'down'], ['cp3', 'down']], hasQuorum: false });
  await expectCode(assertHarmsNoOthers(CA, node, SIGNAL), 'ROLLBACK_WORSE');
});

describe('a rollback of a restore of etcd', () => {
  const RESTORE = {
    run: '20261122T111800Z-1f3a',
    reasons: ['/var/lib/etcd: the old data is that of a member of etcd without a majority'],
    targets: ['/var/lib/etcd'],
    restores: [{ kind: 'etcd.restore', target: '/var/lib/etcd', value: 'one' }],
  };
  /** A node whose data was restored by this restore. */
  const restoredNode = async (members: Planted['members'], value = 'one'): Promise<Node> => {
    const node = await nodeOf({ members });
    const mark = { value, source: 'aa', revision: 7, formerMembers: [] };
    const path = hostPath('/var/lib/etcd/member/kube-rescue-restore.json');
    await node.host.makeDirectory(parentPath(path), { mode: 0o700 });
    await node.host.writeFile(path, Buffer.from(JSON.stringify(mark)), { mode: 0o600 });
    return node;
  };

  it('is refused once other members have joined the restored etcd, forced or not', async () => {
    const node = await restoredNode([['node01'], ['cp4'], ['cp5']]);
    const error = await expectCode(assertHarmsNoOthers(RESTORE, node, SIGNAL), 'ROLLBACK_WORSE');
    expect(error.message).toContain('cp4, cp5 joined etcd after its restore');
    expect(error.hint).toContain('etcd members remove');
  });

  it('may be forced while the restored etcd is alone', async () => {
    const alone = await restoredNode([['node01'], ['', 'learner']]);
    await expect(assertHarmsNoOthers(RESTORE, alone, SIGNAL)).resolves.toBeUndefined();
  });

  it('is judged by the members of before where the data is no longer that of this restore', async () => {
    const node = await restoredNode([['node01'], ['cp2'], ['cp3']], 'another');
    const harmless = { ...RESTORE, reasons: [] };
    await expect(assertHarmsNoOthers(harmless, node, SIGNAL)).resolves.toBeUndefined();
  });
});

it.each([
  ['etcd has one member', WORSE, { members: [['node01']] }],
  ['etcd has one member, and a CA changes', CA, { members: [['node01']] }],
  ['the other member is a learner', WORSE, { members: [['node01'], ['', 'learner']] }],
  ['the majority is lost', WORSE, { members: [['node01'], ['cp2', 'down']], hasQuorum: false }],
  ['the machine is a copy', WORSE, { members: [['node01'], ['cp2']], kind: 'copy' }],
  ['etcd restarts, and the others are a majority', ETCD, { members: [['node01'], ['cp2'], ['cp3']] }],
  ['it restarts the scheduler alone', SCHEDULER, { members: [['node01'], ['cp2'], ['cp3', 'down']] }],
] as const satisfies readonly (readonly [string, typeof WORSE, Planted])[])(
  'may be forced when %s',
  async (_title, effect, planted) => {
    await expect(assertHarmsNoOthers(effect, await nodeOf(planted), SIGNAL)).resolves.toBeUndefined();
  },
);
