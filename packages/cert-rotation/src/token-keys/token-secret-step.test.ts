import { createObjectChangeKinds, findKind, type ObjectAccess, readObjectData } from '@kube-rescue/cluster-objects';
import { createFakeObjectStore } from '@kube-rescue/testing';
import { createChangeRegistry, type Step, type StepJournal } from '@kube-rescue/workflow';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { expect, it } from 'vitest';
import { directJournal, kubeadmNode, textAt } from '../kubeadm-node.fixture.ts';
import { isTokenOf, readToken } from './service-account-token.ts';
import { createPublishStep, createSignStep } from './token-key-stages.ts';
import { createTokenSecretStep } from './token-secret-step.ts';
import { makeToken } from './tokens.fixture.ts';

const { signal } = new AbortController();
const PRIVATE = '/etc/kubernetes/pki/sa.key';

/** A node in the sign stage, with its old and new key. */
async function signedNode() {
  const node = await kubeadmNode({ algorithm: 'ecdsa' });
  const { host, input } = node;
  const context = { components: async () => input.components, host };
  const read = async (): Promise<KeyObject> => createPrivateKey(await textAt(host, PRIVATE));
  const old = await read();
  for (const step of [createPublishStep({}, context), createSignStep(context)] as readonly Step[]) {
    await step.apply(step.plan(await step.check(signal)), directJournal(host), signal);
  }
  return { context, old, current: await read() };
}

it('a Secret with a token of the old key gets one of the new key with the same claims, and no other Secret changes', async () => {
  const { context, old, current } = await signedNode();
  const store = createFakeObjectStore();
  const kind = findKind('secret');
  const plant = (name: string, type: string, token: string): void => {
    const data = { token: Buffer.from(token).toString('base64'), 'ca.crt': 'eA==' };
    store.plant(kind, { metadata: { name, namespace: 'ci', uid: name }, type, data });
  };
  const TYPE = 'kubernetes.io/service-account-token';
  const claims = { iss: 'kubernetes/serviceaccount', sub: 'system:serviceaccount:ci:robot' };
  const before = makeToken(old, claims);
  plant('robot', TYPE, before);
  plant('current', TYPE, makeToken(current, claims));
  plant('copy', 'Opaque', before);
  const objects: ObjectAccess = { source: { via: 'api', search: {} }, open: async () => store };
  const kinds = createChangeRegistry(createObjectChangeKinds(async () => store));
  const journal: StepJournal = {
    perform: async (edits) => {
      for (const { change, material } of edits) await kinds.get(change.kind)?.apply(change, material);
    },
    waitingFor: () => undefined,
  };
  const step = createTokenSecretStep({ id: 'drop/sa/secrets', requires: [] }, context, objects);
  const finding = await step.check(signal);
  expect(finding).toMatchObject({ status: 'needed', changes: [{ target: 'Secret ci/robot' }] });
  expect(JSON.stringify(finding)).not.toContain(before.split('.')[2]);
  expect(await step.verify(signal)).toMatchObject({ verified: false });
  const writes = store.writes;
  await step.apply(step.plan(finding), journal, signal);
  expect(store.writes).toBe(writes + 1);
  const stored = await store.get({ kind, namespace: 'ci', name: 'robot' });
  const data = stored && readObjectData(stored.object);
  const token = readToken(Buffer.from(data?.get('token') ?? '').toString());
  expect(token?.claims).toEqual(claims);
  expect(token && isTokenOf(token, createPublicKey(current))).toBe(true);
  expect(data?.get('ca.crt')).toEqual(Buffer.from('x'));
  expect(await step.verify(signal)).toMatchObject({ verified: true });
  expect(await step.check(signal)).toMatchObject({ status: 'ok', changes: [] });
});
