import { hostPath } from '@kube-rescue/host';
import type { ComponentFlags } from '@kube-rescue/node-config';
import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { findTokenKeyFaults } from './token-keys.ts';

const PKI = '/etc/kubernetes/pki';
const pem = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'pem', type: 'sec1' }).toString();

function componentsOf(apiServer: Readonly<Record<string, string>>): readonly ComponentFlags[] {
  const source = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
  const controllers = { 'service-account-private-key-file': `${PKI}/sa.key` };
  return [
    { component: 'kube-apiserver', source, flags: new Map(Object.entries(apiServer)) },
    { component: 'kube-controller-manager', source, flags: new Map(Object.entries(controllers)) },
  ];
}

it('an API server with an external signer is not blamed for keys that no file holds', async () => {
  const host = createFakeHost({ tree: treeOf({ [`${PKI}/sa.key`]: pem(), [`${PKI}/apiserver.key`]: pem() }) });
  const serving = { 'tls-private-key-file': `${PKI}/apiserver.key` };
  const external = { ...serving, 'service-account-signing-endpoint': '/run/signer.sock' };
  const codesOf = async (flags: Readonly<Record<string, string>>) =>
    (await findTokenKeyFaults(componentsOf(flags), { host })).findings.map(({ code }) => code);
  expect(await codesOf(serving)).toEqual(['SERVICE_ACCOUNT_KEY_MISMATCH']);
  expect(await codesOf(external)).toEqual([]);
});
