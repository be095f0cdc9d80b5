import { createFakeHost, expectCode } from '@kube-rescue/testing';
import type { Node } from '@kube-rescue/node';
import { expect, it } from 'vitest';
import { assertHarmsNoOthers } from './rollback-members.ts';

const SIGNAL = new AbortController().signal;
const WORSE = { run: '20261122T111800Z-1f3a', reasons: ['/etc/kubernetes/pki/apiserver.crt: the old one expired'] };

/** A node whose etcd lists these members. */
function nodeOf(members: readonly { readonly name: string; readonly isLearner?: boolean }[], hasQuorum = true): Node {
  const listed = members.map(({ name, isLearner = false }, index) => ({ id: String(index), name, isLearner }));
  const client = { members: async () => listed, close: () => undefined };
  const etcd = async () => ({ client, connection: { hasQuorum } });
  return { host: createFakeHost(), etcd, etcdPeers: async () => undefined } as unknown as Node;
}

it('a rollback that makes things worse is refused on one of several members of a cluster that works', async () => {
  const node = nodeOf([{ name: 'cp1' }, { name: 'cp2' }, { name: 'cp3' }]);
  const error = await expectCode(assertHarmsNoOthers(WORSE, node, SIGNAL), 'ROLLBACK_WORSE');
  expect(error.message).toContain('one of 3 control-plane nodes (cp1, cp2, cp3; etcd needs 2 of 3)');
  expect(error.message).toContain('/etc/kubernetes/pki/apiserver.crt: the old one expired');
  expect(error.hint).not.toContain('--force');
});

it.each([
  ['etcd has one member', nodeOf([{ name: 'cp1' }])],
  ['the other member is a learner', nodeOf([{ name: 'cp1' }, { name: '', isLearner: true }])],
  ['the majority is lost', nodeOf([{ name: 'cp1' }, { name: 'cp2' }], false)],
  [
    'the machine is a copy',
    { ...nodeOf([{ name: 'cp1' }, { name: 'cp2' }]), host: { ...createFakeHost(), kind: 'copy' as const } },
  ],
])('may be forced when %s', async (_title, node) => {
  await expect(assertHarmsNoOthers(WORSE, node, SIGNAL)).resolves.toBeUndefined();
});
