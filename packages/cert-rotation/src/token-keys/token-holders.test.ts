import type { KubernetesObject } from '@kube-rescue/cluster-objects';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findTokenCopies, findTokenPods, findTokenSecret, readReadyNodes } from './token-holders.ts';
import { makeToken } from './tokens.fixture.ts';

const old = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const current = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const former = [{ key: createPublicKey(old) }];
const SIGNED = new Date('2026-03-01T12:00:00Z');
const at = (minutes: number): Date => new Date(SIGNED.getTime() + minutes * 60_000);
const seconds = (date: Date): number => date.getTime() / 1000;

function secretOf(
  data: Readonly<Record<string, string>>,
  type = 'kubernetes.io/service-account-token',
): KubernetesObject {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const annotations = { 'kubernetes.io/service-account.name': 'web' };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type,
    metadata: { name: 'web-token', namespace: 'shop', annotations },
    data: Object.fromEntries(encoded) as Readonly<Record<string, string>>,
  };
}

describe('a Secret with the token of a service account', () => {
  it('needs the old key when that signed it', () => {
    expect(findTokenSecret(secretOf({ token: makeToken(old, {}) }), former)).toMatchObject({
      namespace: 'shop',
      name: 'web-token',
      serviceAccount: 'web',
    });
    expect(findTokenSecret(secretOf({ token: makeToken(old, {}, null) }), former)).toBeDefined();
  });

  it.each([
    ['the current key signed it', secretOf({ token: makeToken(current, {}) })],
    ['it has no token', secretOf({ 'ca.crt': 'x' })],
    ['its token is invalid', secretOf({ token: 'words' })],
    ['it is of another type', secretOf({ token: makeToken(old, {}) }, 'Opaque')],
  ])('does not when %s', (_title, secret) => {
    expect(findTokenSecret(secret, former)).toBeUndefined();
  });
});

describe('a copy of a token in another Secret', () => {
  it('is named with its field, and ends with the token', () => {
    const kubeconfig = `users: [{user: {token: ${makeToken(old, { exp: seconds(at(60)) })}}}]`;
    const [copy] = findTokenCopies(secretOf({ config: kubeconfig }, 'Opaque'), former, SIGNED);
    expect(copy).toMatchObject({ location: 'Secret shop/web-token data.config', until: at(60) });
    const legacy = findTokenCopies(secretOf({ t: makeToken(old, { sub: 'x' }) }, 'Opaque'), former, SIGNED);
    expect(legacy).toMatchObject([{ until: undefined }]);
  });

  it.each([
    ['has expired', makeToken(old, { exp: seconds(at(-1)) })],
    ['is of the current key', makeToken(current, { sub: 'x' })],
    [
      'is of a key that never signed here',
      makeToken(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, { sub: 'x' }),
    ],
  ])('needs nothing when it %s', (_title, token) => {
    expect(findTokenCopies(secretOf({ token }, 'Opaque'), former, SIGNED)).toEqual([]);
  });

  it('is not the token of its own Secret', () => {
    expect(findTokenCopies(secretOf({ token: makeToken(old, { sub: 'x' }) }), former, SIGNED)).toEqual([]);
  });
});

interface PodCase {
  readonly startedMinutes?: number;
  readonly expirationSeconds?: number;
  readonly phase?: string;
  readonly nodeName?: string;
  readonly sources?: readonly object[];
}

function podOf({
  startedMinutes = -60,
  expirationSeconds = 3607,
  phase = 'Running',
  nodeName = 'node01',
  ...more
}: PodCase) {
  const sources = more.sources ?? [{ configMap: {} }, { serviceAccountToken: { path: 'token', expirationSeconds } }];
  return {
    metadata: { name: 'web', namespace: 'shop', creationTimestamp: at(-90).toISOString() },
    spec: { nodeName, volumes: [{ emptyDir: {} }, { projected: { sources } }] },
    status: { phase, startTime: at(startedMinutes).toISOString() },
  };
}

const nodes = readReadyNodes(
  [
    ['node01', 'True'],
    ['node02', 'Unknown'],
  ].map(([name, status]) => ({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } })),
);
const holders = (pod: PodCase, now: Date) => findTokenPods([podOf(pod)], { signedSince: SIGNED, now, nodes });

describe('a pod with a mounted token', () => {
  it.each([
    ['an hour of lifetime', 3607, 48.1 + 5],
    ['ten minutes', 600, 8 + 5],
    ['two days, which the kubelet shortens to one', 172_800, 24 * 60 + 5],
  ])('may hold one of the old key until its kubelet has replaced it: %s', (_title, expirationSeconds, minutes) => {
    const [holder] = holders({ expirationSeconds }, at(1));
    expect(holder).toMatchObject({ location: 'Pod shop/web' });
    expect(Math.round((holder?.until?.getTime() ?? 0) / 60_000)).toBe(Math.round(at(minutes).getTime() / 60_000));
    expect(holders({ expirationSeconds }, at(minutes + 0.5))).toEqual([]);
  });

  it.each<readonly [string, PodCase]>([
    ['started after the new key signed', { startedMinutes: 1 }],
    ['has ended', { phase: 'Succeeded' }],
    ['mounts no token', { sources: [{ configMap: {} }] }],
  ])('does not when it %s', (_title, pod) => {
    expect(holders(pod, at(1))).toEqual([]);
  });

  it.each(['node02', 'node03'])('may hold it for ever on a node that does not report (%s)', (nodeName) => {
    expect(holders({ nodeName }, at(10_000))).toMatchObject([
      { until: undefined, reason: expect.stringContaining(nodeName) as string },
    ]);
  });

  it('has the default lifetime where it names none', () => {
    const [holder] = holders({ sources: [{ serviceAccountToken: { path: 'token' } }] }, at(1));
    expect(holder?.until).toEqual(at(48 + 5));
  });
});
