import { expect, it } from 'vitest';
import { publishedCa } from './published-ca.ts';

const metadata = { namespace: 'default', name: 'x' };

it('the published CA is read from Secrets and ConfigMaps', () => {
  const secret = { kind: 'Secret', metadata, data: { 'ca.crt': Buffer.from('PEM\n').toString('base64') } };
  expect(publishedCa(secret)).toBe('PEM\n');
  expect(publishedCa({ kind: 'ConfigMap', metadata, data: { 'ca.crt': 'PEM\n' } })).toBe('PEM\n');
  expect(publishedCa({ kind: 'ConfigMap', metadata, data: { kubeconfig: '' } })).toBeUndefined();
});
