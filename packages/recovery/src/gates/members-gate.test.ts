import { HostError, hostPath } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock } from '@kube-rescue/testing';
import { expect, it } from 'vitest';
import { createMajorityWatch } from '../kubeadm/majority-watch.ts';
import { createMajorityGate } from './majority-gate.ts';
import { createMembersGate } from './members-gate.ts';

const SIGNAL = new AbortController().signal;
const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };

/** A node `node01` whose etcd lists members that answer unless they are `down`. */
async function nodeOf(names: readonly string[], down: readonly string[], hasQuorum = true): Promise<Node> {
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
  const etcd = (async () => ({ client, connection: { hasQuorum } })) as unknown as Node['etcd'];
  return { ...node, etcd };
}

it('a recovery is not done while a member of etcd is down: it waits for its node, by name and address', async () => {
  const gate = createMembersGate(await nodeOf(['node01', 'cp2', 'cp3'], ['cp3']), []);
  expect(await gate.check(SIGNAL)).toMatchObject({ status: 'needed' });
  const verdict = await gate.verify(SIGNAL);
  expect(verdict).toEqual({
    verified: false,
    reason:
      'this is one of 3 control-plane nodes: 2 of 3 members of etcd answer, 2 are needed: node01 (this node), cp2; no answer from cp3',
    awaits: 'cp3',
    hint: 'run `kube-rescue recover` on cp3 (cp3)',
  });
});

it('a member that answers at the second question is no work', async () => {
  const down = ['cp3'];
  const node = await nodeOf(['node01', 'cp2', 'cp3'], down);
  const sleep: Node['clock']['sleep'] = async () => void down.pop();
  const gate = createMembersGate({ ...node, clock: { ...node.clock, sleep } }, []);
  expect(await gate.check(SIGNAL)).toMatchObject({ status: 'ok' });
});

it('a recovery waits for a majority no longer than it may, and names the nodes whose turn it is', async () => {
  const node = await nodeOf(['node01', 'cp2', 'cp3'], ['cp2', 'cp3'], false);
  const start = node.clock.now().getTime();
  expect(await createMajorityGate(node, [], 5000).verify(SIGNAL)).toMatchObject({
    verified: false,
    reason: expect.stringContaining('etcd waits for a majority: 1 of 3 members of etcd answers'),
    awaits: 'cp2, cp3',
    hint: 'run `kube-rescue recover` on cp2 (cp2) and on cp3 (cp3)',
  });
  expect(node.clock.now().getTime() - start).toBe(5000);
  const interrupted = AbortSignal.abort(new Error('Ctrl-C'));
  await expect(createMajorityGate(node, []).verify(interrupted)).rejects.toThrow('Ctrl-C');
});

it('a majority that works is enough for the API server', async () => {
  const node = await nodeOf(['node01', 'cp2', 'cp3'], ['cp3']);
  expect(await createMajorityGate(node, []).verify(SIGNAL)).toMatchObject({ verified: true });
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
  const start = node.clock.now();
  expect(await gate.check(SIGNAL)).toMatchObject({ status: 'needed' });
  expect(node.clock.now(), 'nobody is asked again').toEqual(start);
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
    awaits: 'cp2, cp3',
  });
});

it('members that answer with expired certificates are awaited like those that are down', async () => {
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const members = ['node01', 'cp2', 'cp3'].map((name, index) => ({
    ...{ id: String(index), name, clientUrls: [], peerUrls: [`https://10.9.0.1${index}:2380`], isLearner: false },
    ...{ isThisNode: index === 0, accepts: true, lacks: [] },
    validTo: index === 0 ? '2027-11-22T12:00:00Z' : '2026-11-21T12:00:00Z',
  }));
  const watch = createMajorityWatch({ clock, etcdPeers: async () => ({ url: 'https://10.9.0.10:2380', members }) }, 0);
  expect(await watch(SIGNAL)).toMatchObject({
    reason: expect.stringContaining('node01 (this node); expired peer certificate of cp2, cp3'),
    hint: 'run `kube-rescue recover` on cp2 (10.9.0.11) and on cp3 (10.9.0.12)',
  });
});
