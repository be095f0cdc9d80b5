import { type Host, hostPath } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { directJournal, kubeadmNode, type Node, putFile, textAt } from '../kubeadm-node.fixture.ts';
import { createDropKeyStep, createPublishStep, createSignStep, type TokenKeyContext } from './token-key-stages.ts';
import { inspectTokenKeys } from './token-key-state.ts';

const { signal } = new AbortController();
const PUBLIC = '/etc/kubernetes/pki/sa.pub';
const PRIVATE = '/etc/kubernetes/pki/sa.key';
const NEXT = '/etc/kubernetes/pki/sa-next.key';

const contextOf = ({ input }: Pick<Node, 'input'>, host: Host): TokenKeyContext => ({
  components: async () => input.components,
  host,
});
const steps = (context: TokenKeyContext, mayBegin = true): readonly Step[] => [
  createPublishStep({ mayBegin }, context),
  createSignStep(context, { mayBegin }),
  createDropKeyStep({ requires: [] }, context),
];

async function make(step: Step | undefined, host: Host): Promise<void> {
  if (step === undefined) throw new Error('no step');
  const finding = await step.check(signal);
  expect(finding.status).toBe('needed');
  await step.apply(step.plan(finding), directJournal(host), signal);
  expect(await step.verify(signal)).toMatchObject({ verified: true });
  expect((await step.check(signal)).status).toBe('ok');
}

const publicHalf = (key: string): string =>
  execFileSync('openssl', ['pkey', '-pubout'], { input: key, stdio: 'pipe' }).toString();

describe('the key of service account tokens', () => {
  it.each(['rsa', 'ecdsa'] as const)(
    'is rotated in three stages, the signing key first in its file (%s)',
    async (algorithm) => {
      const node = await kubeadmNode({ algorithm });
      const { host } = node;
      const context = contextOf(node, host);
      const [publish, sign, drop] = steps(context);
      const state = () => inspectTokenKeys(node.input.components, { host });
      const [oldKey, oldPublic] = [await textAt(host, PRIVATE), await textAt(host, PUBLIC)];
      expect(await state()).toMatchObject({ stage: 'settled', former: [] });
      expect((await sign?.check(signal))?.status).toBe('blocked');

      await make(publish, host);
      expect((await state()).stage).toBe('publish');
      const newKey = await textAt(host, NEXT);
      expect(await textAt(host, PRIVATE)).toBe(oldKey);
      expect(await textAt(host, PUBLIC)).toBe(oldPublic + publicHalf(newKey));
      expect((await host.stat(hostPath(NEXT)))?.mode).toBe(0o600);
      expect(newKey.split('\n')[0]).toBe(oldKey.split('\n')[0]);
      expect((await drop?.check(signal))?.status).toBe('blocked');

      await make(sign, host);
      expect((await state()).stage).toBe('sign');
      expect(await textAt(host, PRIVATE)).toBe(newKey);
      expect(await textAt(host, PUBLIC)).toBe(publicHalf(newKey) + oldPublic);
      expect(await host.stat(hostPath(NEXT))).toBeUndefined();
      expect(await publish?.check(signal)).toMatchObject({ status: 'ok', changes: [] });

      await make(drop, host);
      expect((await state()).stage).toBe('settled');
      expect(await textAt(host, PUBLIC)).toBe(publicHalf(newKey));
    },
  );

  it('is not rotated a second time by a resumed run', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    for (const step of steps(contextOf(node, node.host), false)) {
      expect(await step.check(signal)).toMatchObject({ status: 'ok', changes: [] });
    }
  });

  it('may get another algorithm', async () => {
    const node = await kubeadmNode({ algorithm: 'rsa' });
    await make(createPublishStep({ keyAlgorithm: 'ecdsa-p256' }, contextOf(node, node.host)), node.host);
    expect(await textAt(node.host, NEXT)).toContain('BEGIN EC PRIVATE KEY');
  });

  const API = 'kube-apiserver';
  it.each([
    [
      'an external signer holds it',
      { [API]: { 'service-account-signing-endpoint': '/run/signer.sock' } },
      'PKI_TOKEN_SIGNER_EXTERNAL',
    ],
    [
      'several files verify',
      { [API]: { 'service-account-key-file': `${PUBLIC},/etc/kubernetes/old.pub` } },
      'PKI_TOKEN_KEY_LAYOUT',
    ],
    ['one file verifies and signs', { [API]: { 'service-account-key-file': PRIVATE } }, 'PKI_TOKEN_KEY_LAYOUT'],
    ['no flag names the signing key', { [API]: { 'service-account-signing-key-file': '' } }, 'PKI_TOKEN_KEY_LAYOUT'],
    [
      'kube-controller-manager signs with another key',
      { 'kube-controller-manager': { 'service-account-private-key-file': '/etc/kubernetes/pki/other.key' } },
      'PKI_TOKEN_KEY_LAYOUT',
    ],
    ['there is no API server', { [API]: undefined }, 'PKI_TOKEN_KEY_LAYOUT'],
  ] as const)('is refused by name when %s', async (_title, changes, code) => {
    const { host, input } = await kubeadmNode({ algorithm: 'ecdsa' }, undefined, changes);
    await expectCode(inspectTokenKeys(input.components, { host }), code);
  });

  it.each([
    ['does not belong to its public file', PRIVATE, 'openssl', 'PKI_KEY_MISMATCH'],
    [
      'has a public file that cannot be read',
      PUBLIC,
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
      'PKI_KEY_UNSUPPORTED',
    ],
  ])('is refused when it %s', async (_title, path, text, code) => {
    const other = () =>
      execFileSync('openssl', ['genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], {
        stdio: 'pipe',
      }).toString();
    const { host, input } = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
      putFile(files, path, text === 'openssl' ? other() : text);
    });
    await expectCode(inspectTokenKeys(input.components, { host }), code);
  });
});
