import { HostError, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { createMajorityWatch } from '../kubeadm/majority-watch.ts';
import { createMembersGate } from './members-gate.ts';

const SIGNAL = new AbortController().signal;
const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };

/** A node `node01` whose etcd lists members that answer unless they are `down`. */
async function nodeOf(names: readonly string[], down: readonly string[]): Promise<Node> {
  const { tree } = await buildPki({ algorithm: 'ecdsa', now: new Date('2026-11-22T12:00:00Z') });
  const request = async ({ url }: { readonly url: string }) => {
    if (!down.includes(new URL(url).hostname)) return { status: 200, body: '' };
    throw new HostError({ code: 'HOST_CONNECTION_FAILED', message: 'no response', subject: url, hint: 'start it' });
  };
  const host = { ...createFakeHost({ tree }), request };
  const node = openNode(OPTIONS, { host, clock: createFixedClock('2026-11-22T12:00:00Z') });
  const listed = names.map((name, index) => ({
    ...{ id: String(index), name, clientUrls: [], isLearner: false },
    peerUrls: [`http://${name}:2380`],
  }));
  const client = { members: async () => listed, close: () => undefined };
  const etcd = (async () => ({ client, connection: { hasQuorum: true } })) as unknown as Node['etcd'];
  return { ...node, etcd };
}

it('a recovery is not done while a member of etcd is down, and names it', async () => {
  const gate = createMembersGate(await nodeOf(['node01', 'cp2', 'cp3'], ['cp3']), []);
  expect(await gate.check(SIGNAL)).toMatchObject({ status: 'needed' });
  const verdict = await gate.verify(SIGNAL);
  expect(verdict).toMatchObject({
    verified: false,
    reason:
      'this is one of 3 control-plane nodes: 2 of 3 members of etcd answer, 2 are needed: node01 (this node), cp2; no answer from cp3',
  });
});

it.each([
  ['one member', ['node01'], 'etcd has one member'],
  ['three members that all answer', ['node01', 'cp2', 'cp3'], '3 of 3 members of etcd answer'],
])('a recovery is proven with %s', async (_title, names, evidence) => {
  const verdict = await createMembersGate(await nodeOf(names, []), []).verify(SIGNAL);
  expect(verdict).toMatchObject({ verified: true, evidence: [expect.stringContaining(evidence)] });
});

it('members that cannot be listed are a warning, not a proof', async () => {
  const { tree } = await buildPki({ algorithm: 'ecdsa', now: new Date('2026-11-22T12:00:00Z') });
  const node = openNode(OPTIONS, { host: createFakeHost({ tree }), clock: createFixedClock('2026-11-22T12:00:00Z') });
  const gate = createMembersGate(node, []);
  expect(await gate.check(SIGNAL)).toMatchObject({ status: 'needed' });
  const warnings = [expect.stringContaining('the members of etcd are not known')];
  expect(await gate.verify(SIGNAL)).toEqual({ verified: true, evidence: [], warnings });
});

it('a restart that waits for other members ends after a minute, and names them', async () => {
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const members = ['node01', 'cp2', 'cp3'].map((name, index) => ({
    ...{ id: String(index), name, clientUrls: [], peerUrls: [], isLearner: false, validTo: null, lacks: [] },
    ...{ isThisNode: index === 0, accepts: index === 0 },
  }));
  const watch = createMajorityWatch({ clock, etcdPeers: async () => ({ url: 'https://10.9.0.11:2380', members }) });
  expect(await watch(SIGNAL)).toBeUndefined();
  await clock.sleep(50_000);
  expect(await watch(SIGNAL)).toBeUndefined();
  await clock.sleep(20_000);
  expect(await watch(SIGNAL)).toMatchObject({
    reason: expect.stringContaining(
      '1 of 3 members of etcd answers, 2 are needed: node01 (this node); no answer from cp2, cp3',
    ),
  });
});
