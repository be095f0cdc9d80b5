import { describe, expect, it } from 'vitest';
import { readEmbeddedCredentials, withEmbeddedCertificate } from './kubeconfig-credentials.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const KUBECONFIG = `apiVersion: v1
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${base64('old certificate')}
    client-key-data: ${base64('the key')}
`;

describe('the credentials inside a kubeconfig', () => {
  it('are read as PEM', () => {
    expect(readEmbeddedCredentials(KUBECONFIG)).toEqual({ certificate: 'old certificate', key: 'the key' });
  });

  it('are undefined when the kubeconfig refers to files', () => {
    expect(readEmbeddedCredentials('users:\n- user:\n    client-certificate: /a.pem\n')).toBeUndefined();
  });

  it('get another certificate; every other byte stays', () => {
    const changed = withEmbeddedCertificate(KUBECONFIG, 'new $1 certificate');
    expect(readEmbeddedCredentials(changed)?.certificate).toBe('new $1 certificate');
    expect(withEmbeddedCertificate(changed, 'old certificate')).toBe(KUBECONFIG);
  });
});
