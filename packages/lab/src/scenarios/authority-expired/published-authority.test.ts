import { expect, it } from 'vitest';
import { publishedAuthority } from './published-authority.ts';

const metadata = { namespace: 'default', name: 'x' };

it('the CA that a cluster hands out is read from Secrets and ConfigMaps alike', () => {
  const secret = { kind: 'Secret', metadata, data: { 'ca.crt': Buffer.from('PEM\n').toString('base64') } };
  expect(publishedAuthority(secret)).toBe('PEM\n');
  expect(publishedAuthority({ kind: 'ConfigMap', metadata, data: { 'ca.crt': 'PEM\n' } })).toBe('PEM\n');
  expect(publishedAuthority({ kind: 'ConfigMap', metadata, data: { kubeconfig: '' } })).toBeUndefined();
});
