import type { KubernetesObject, ObjectAccess } from '@kube-rescue/cluster-objects';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type HostPath, hostPath } from '@kube-rescue/host';
import type { Node } from '@kube-rescue/node';
import {
  createFakeObjectStore,
  expectCode,
  type FakeObjectStore,
  type NodeTree,
  type TreeEntry,
} from '@kube-rescue/testing';
import { type Plan, planPlaybook } from '@kube-rescue/workflow';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTokenRotationPlaybook, reportTokenRotation, type TokenRotationInput } from '../index.ts';
import { nodeOf as gateNode, NOW, pki } from '../gates/gate-node.fixture.ts';

const { signal } = new AbortController();
const SA = '/etc/kubernetes/pki/sa';
const MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';

const textIn = (tree: NodeTree, path: string): string => {
  const entry = tree.get(hostPath(path));
  return entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
};
const pem = (key: KeyObject): string =>
  key.export(key.type === 'public' ? { format: 'pem', type: 'spki' } : { format: 'pem', type: 'sec1' }).toString();

const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;

function treeWith(files: Readonly<Record<string, string>>): NodeTree {
  const tree = new Map<HostPath, TreeEntry>(pki.tree);
  for (const [path, text] of Object.entries(files))
    tree.set(hostPath(path), { kind: 'file', bytes: Buffer.from(text), mode: 0o600 });
  return tree;
}

const both = textIn(pki.tree, `${SA}.pub`) + pem(createPublicKey(other));
const TREES = {
  settled: pki.tree,
  publish: treeWith({ [`${SA}.pub`]: both, [`${SA}-next.key`]: pem(other) }),
  sign: treeWith({ [`${SA}.pub`]: both }),
};

/** A token of a Secret of before the rotation, signed by the former key. */
function oldToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'ES256' })}.${part({ sub: 'system:serviceaccount:ci:robot' })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: other, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

interface Objects {
  readonly secret?: Partial<KubernetesObject> & { readonly type: string };
  readonly podStarted?: string;
}

function nodeOf(tree: NodeTree, { secret, podStarted }: Objects = {}): Node & { readonly store: FakeObjectStore } {
  const store = createFakeObjectStore();
  const conditions = [{ type: 'Ready', status: 'True' }];
  store.plant(RESOURCE_KINDS.Node, { metadata: { name: 'node01' }, status: { conditions } });
  if (secret !== undefined) {
    const data = { token: Buffer.from(oldToken()).toString('base64') };
    const annotations = { 'kubernetes.io/service-account.name': 'robot' };
    store.plant(RESOURCE_KINDS.Secret, { metadata: { name: 'robot', namespace: 'ci', annotations }, data, ...secret });
  }
  if (podStarted !== undefined) {
    const sources = [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }];
    const spec = { nodeName: 'node01', volumes: [{ projected: { sources } }] };
    const metadata = { name: 'web', namespace: 'shop', uid: 'u1' };
    store.plant(RESOURCE_KINDS.Pod, { metadata, spec, status: { phase: 'Running', startTime: podStarted } });
  }
  const objects: ObjectAccess = { source: { via: 'api', search: {} }, open: async () => store };
  const node = gateNode({}, true, tree);
  return { ...node, store, objects: { ...node.objects, access: () => objects } };
}

function planOf(node: Node, input: TokenRotationInput): Promise<Plan> {
  return planPlaybook(createTokenRotationPlaybook(node, input), {
    host: 'node01',
    clock: { now: () => NOW },
    selection: {},
    signal,
  });
}

const targets = (plan: Plan, step: string): readonly string[] =>
  plan.entries
    .find((entry) => entry.step === step)
    ?.changes.map(({ target }) => target.replace('/etc/kubernetes/', '')) ?? [];
const finding = (plan: Plan, step: string) => plan.entries.find((entry) => entry.step === step)?.finding;

describe('a rotation of the key of service account tokens', () => {
  it('plans the files of its first stage and a restart of the API server alone', async () => {
    const plan = await planOf(nodeOf(TREES.settled), { stages: ['publish'] });
    expect(targets(plan, 'publish/sa/files')).toEqual(['pki/sa-next.key', 'pki/sa.pub']);
    expect(targets(plan, 'publish/sa/restart')).toEqual(['manifests/kube-apiserver.yaml']);
    expect(finding(plan, 'publish/sa/tokens')?.status).toBe('needed');
  });

  it('restarts kube-controller-manager too when the new key signs', async () => {
    const node = nodeOf(TREES.publish);
    expect(await reportTokenRotation(node)).toMatchObject({ stage: 'publish', next: 'sign' });
    const plan = await planOf(node, { stages: ['sign'] });
    expect(targets(plan, 'sign/sa/files')).toEqual(['pki/sa.pub', 'pki/sa.key', 'pki/sa-next.key']);
    expect(targets(plan, 'sign/sa/restart')).toEqual([
      'manifests/kube-apiserver.yaml',
      'manifests/kube-controller-manager.yaml',
    ]);
  });

  it('drops the old key once nothing holds a token of it, and says what cannot be seen', async () => {
    const node = nodeOf(TREES.sign);
    expect(await reportTokenRotation(node)).toMatchObject({ stage: 'sign', next: 'drop' });
    const plan = await planOf(node, { stages: ['drop'] });
    const judged = finding(plan, 'drop/sa/holders');
    expect(judged?.status).toBe('ok');
    expect(judged?.warnings?.join()).toContain('up to a year');
    expect(targets(plan, 'drop/sa/files')).toEqual(['pki/sa.pub']);
  });

  it.each([
    [
      'the token of a Secret',
      { secret: { type: 'kubernetes.io/service-account-token' } },
      'Secret ci/robot of service account robot',
      '--resign-secrets',
    ],
    ['a copy of a token', { secret: { type: 'Opaque' } }, 'Secret ci/robot data.token', 'replace the tokens'],
    ['a pod of before', { podStarted: '2026-11-22T11:00:00Z' }, 'Pod shop/web', 'wait until'],
  ] as const)(
    'refuses the drop by name for %s, unless the operator revokes it',
    async (_title, objects, name, hint) => {
      const node = nodeOf(TREES.sign, objects);
      const judged = finding(await planOf(node, { stages: ['drop'] }), 'drop/sa/holders');
      expect(judged).toMatchObject({ status: 'blocked', code: 'PKI_TOKEN_KEY_IN_USE' });
      expect(judged?.waitsFor).toBeUndefined();
      expect(judged?.summary).toContain(name);
      expect(judged?.hint).toContain(hint);
      const revoked = finding(await planOf(node, { stages: ['drop'], revokeTokens: true }), 'drop/sa/holders');
      expect(revoked?.status).toBe('ok');
      expect(revoked?.warnings?.join()).toContain(name);
      expect(node.store.writes).toBe(0);
    },
  );

  it('signs the tokens of Secrets again where the operator asks for it', async () => {
    const node = nodeOf(TREES.sign, { secret: { type: 'kubernetes.io/service-account-token' } });
    const plan = await planOf(node, { stages: ['drop'], resignSecrets: true });
    expect(finding(plan, 'drop/sa/holders')?.status).toBe('ok');
    expect(targets(plan, 'drop/sa/secrets')).toEqual(['Secret ci/robot']);
    expect(JSON.stringify(plan)).not.toContain(oldToken().split('.')[1]);
  });

  it('does not hold a pod for one of before that started after the new key signed', async () => {
    const plan = await planOf(nodeOf(TREES.sign, { podStarted: '2026-11-22T11:59:30Z' }), { stages: ['drop'] });
    expect(finding(plan, 'drop/sa/holders')?.status).toBe('ok');
  });

  it('checks the later stages of one run when the earlier ones are done', async () => {
    const input = { stages: ['publish', 'sign', 'drop'], revokeTokens: true } as const;
    const { entries } = await planOf(nodeOf(TREES.settled), input);
    const later = entries.filter(({ phase }) => phase !== 'publish');
    expect(later.length).toBeGreaterThan(8);
    expect(later.every(({ finding: each }) => (each.waitsFor ?? []).length > 0)).toBe(true);
  });

  it('starts no second rotation when a completed run is resumed', async () => {
    const { entries } = await planOf(nodeOf(TREES.settled), { stages: ['publish', 'sign', 'drop'], hasBegun: true });
    const files = entries.filter(({ step }) => step.endsWith('/files'));
    expect(files.map(({ finding: each }) => each.status)).toEqual(['ok', 'ok', 'ok']);
  });

  it.each([
    ['to sign before the key is published', TREES.settled, 'sign', 'PKI_ROTATION_STAGE'],
    ['to drop the key that signs', TREES.publish, 'drop', 'PKI_ROTATION_STAGE'],
    [
      'an external signer',
      treeWith({
        [MANIFEST]: textIn(pki.tree, MANIFEST).replace(
          /^( *- )--service-account-signing-key-file=.*$/m,
          '$1--service-account-signing-endpoint=/run/signer.sock',
        ),
      }),
      'publish',
      'PKI_TOKEN_SIGNER_EXTERNAL',
    ],
  ] as const)('refuses %s', async (_title, tree, stage, code) => {
    await expectCode(planOf(nodeOf(tree), { stages: [stage] }), code);
  });
});
