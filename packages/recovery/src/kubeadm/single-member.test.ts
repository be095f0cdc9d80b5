import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspectEtcd } from '@kube-rescue/diagnosis';
import { hostPath, systemClock } from '@kube-rescue/host';
import { type Node, openNode, readDataMembers } from '@kube-rescue/node';
import {
  buildEtcdPki,
  createFakeHost,
  expectCode,
  hostOfEtcdMember,
  requireProgram,
  startEtcd,
} from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { assertSingleMember } from './single-member.ts';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };

const SIGNAL = new AbortController().signal;

async function withMembers(
  count: number,
  check: (node: Node, etcd: Awaited<ReturnType<typeof startEtcd>>) => Promise<void>,
) {
  const pki = await buildEtcdPki();
  const etcd = await startEtcd({ members: count, pki });
  try {
    const host = await hostOfEtcdMember(etcd, pki, etcd.members[0].peerUrl);
    await check(openNode(OPTIONS, { host, clock: systemClock }), etcd);
  } finally {
    await etcd.stop();
  }
}

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a node whose files are those of a single control plane', () => {
  it('is refused with the members and the majority when etcd has others', async () => {
    await withMembers(3, async (node) => {
      const error = await expectCode(assertSingleMember(node, SIGNAL, 'change-ca'), 'LAYOUT_UNSUPPORTED');
      expect(error.message).toContain('one of 3 control-plane nodes');
      expect(error.message).toMatch(/3 of 3 members of etcd answer, 2 are needed: .*etcd1 \(this node\)/);
      expect(error.hint).toContain('etcd needs 2 of 3 members');
    });
  });

  it('is refused by the peer port while etcd waits for a majority', async () => {
    await withMembers(3, async (node, etcd) => {
      await Promise.all(etcd.members.map((member) => member.stop()));
      await etcd.members[0].start({ ready: false });
      await expect.poll(() => node.etcdPeers(AbortSignal.timeout(5000)), { timeout: 10_000 }).toBeDefined();
      const error = await expectCode(assertSingleMember(node, SIGNAL, 'change-ca'), 'LAYOUT_UNSUPPORTED');
      expect(error.message).toMatch(
        /1 of 3 members of etcd answers, 2 are needed: etcd1 \(this node\); no answer from etcd\d, etcd\d/,
      );
    });
  });

  it('is refused by its database while nothing runs, with every leaf expired', async () => {
    const pki = await buildEtcdPki({ expiredServer: true, expiredClient: true });
    const valid = await buildEtcdPki();
    const etcd = await startEtcd({ members: 3, pki: valid });
    const [member] = etcd.members;
    try {
      const host = await hostOfEtcdMember(etcd, pki, member.peerUrl, member.dataDir);
      const node = openNode(OPTIONS, { host, clock: systemClock });
      // etcd commits to its database a moment later.
      await expect.poll(async () => (await readDataMembers(node))?.members).toHaveLength(3);
      await Promise.all(etcd.members.map((each) => each.stop()));
      const error = await expectCode(assertSingleMember(node, SIGNAL, 'change-ca'), 'LAYOUT_UNSUPPORTED');
      expect(error.message).toContain('one of 3 control-plane nodes');
      expect(error.message).toContain(
        'the sources disagree, the first counts: the database /var/lib/etcd/member/snap/db (3)',
      );
      expect(error.message).toContain('its flag --initial-cluster (1)');
      const { peers, waiting } = await inspectEtcd(node, { timeoutMs: 700 }, SIGNAL);
      expect(peers?.members.map(({ name, accepts }) => [name, accepts])).toHaveLength(3);
      expect(waiting).toBeNull();
    } finally {
      await etcd.stop();
    }
  });

  it('is refused by the peer port while its members hold expired certificates and no leader', async () => {
    const pki = await buildEtcdPki({ expiredServer: true, expiredClient: true });
    const etcd = await startEtcd({ members: 3, pki, ready: false });
    try {
      const host = await hostOfEtcdMember(etcd, pki, etcd.members[0].peerUrl);
      const node = openNode(OPTIONS, { host, clock: systemClock });
      await expect.poll(() => node.etcdPeers(AbortSignal.timeout(5000)), { timeout: 20_000 }).toBeDefined();
      const error = await expectCode(assertSingleMember(node, SIGNAL, 'change-ca'), 'LAYOUT_UNSUPPORTED');
      expect(error.message).toContain('one of 3 control-plane nodes');
      expect(error.message).toMatch(/the peer port https:\S+ \(3\)/);
    } finally {
      await etcd.stop();
    }
  });

  it('is accepted with one member, and with a learner that never started', async () => {
    await withMembers(1, async (node, etcd) => {
      await assertSingleMember(node, SIGNAL, 'change-ca');
      await etcd.etcdctl('member', 'add', 'late', '--learner', '--peer-urls=https://127.0.0.1:1');
      await assertSingleMember(node, SIGNAL, 'change-ca');
    });
  });
});

it('a copy of files is accepted: nothing can be asked', async () => {
  await assertSingleMember(
    openNode(OPTIONS, { host: { ...createFakeHost(), kind: 'copy' }, clock: systemClock }),
    SIGNAL,
    'change-ca',
  );
});

it('an interruption ends the questions to an etcd that does not respond', async () => {
  const pki = await buildEtcdPki();
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const host = await hostOfEtcdMember({ endpoints: [url] }, pki, url);
  const controller = new AbortController();
  const asked = assertSingleMember(openNode(OPTIONS, { host, clock: systemClock }), controller.signal, 'change-ca');
  controller.abort(new Error('Ctrl-C'));
  await expect(asked).rejects.toThrow('Ctrl-C');
  server.close();
});
