import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { kubeadmNode, textIn } from '../kubeadm-node.fixture.ts';
import { proveEdits } from './written-content.ts';

const PKI = '/etc/kubernetes/pki';
const { tree } = await kubeadmNode({ algorithm: 'ecdsa' });
const at = (path: string): string => textIn(tree, path);
const CERTIFICATE = at(`${PKI}/apiserver.crt`);
const KEY = at(`${PKI}/apiserver.key`);
const KUBECONFIG = at('/etc/kubernetes/admin.conf');
const AUTHN = `kind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://a\n    certificateAuthority: |\n${CERTIFICATE.replaceAll(/^(?=.)/gm, '      ')}`;

const write = (path: string, before: string | undefined, after: string) =>
  proveEdits([{ change: { kind: 'file.replace', target: path }, material: Buffer.from(after, 'latin1') }], {
    readFile: async () => (before === undefined ? undefined : Buffer.from(before, 'latin1')),
  });

describe('a new file is parsed as what it is before it replaces anything', () => {
  it.each<[string, string, string | undefined, string]>([
    ['a certificate', `${PKI}/apiserver.crt`, CERTIFICATE, `# new\n${CERTIFICATE}`],
    ['a new certificate', `${PKI}/new.crt`, undefined, CERTIFICATE],
    ['a key', `${PKI}/apiserver.key`, KEY, at(`${PKI}/etcd/peer.key`)],
    ['a certificate with its key', '/var/lib/kubelet/pki/x.pem', CERTIFICATE + KEY, CERTIFICATE + KEY],
    ['a kubeconfig', '/etc/kubernetes/admin.conf', KUBECONFIG, `# new\n${KUBECONFIG}`],
    ['a configuration', '/etc/kubernetes/authn.yaml', AUTHN, `# new\n${AUTHN}`],
    ['a damaged file that is replaced', `${PKI}/apiserver.crt`, 'damaged', CERTIFICATE],
  ])('and written: %s', async (_title, path, before, after) => {
    expect(await write(path, before, after)).toHaveLength(1);
  });

  it.each<[string, string, string | undefined, string]>([
    ['an empty certificate', `${PKI}/apiserver.crt`, CERTIFICATE, ''],
    ['an empty new key', `${PKI}/new.key`, undefined, ''],
    ['a certificate that is cut', `${PKI}/apiserver.crt`, CERTIFICATE, CERTIFICATE.slice(0, -40)],
    ['an indented certificate', `${PKI}/apiserver.crt`, CERTIFICATE, CERTIFICATE.replaceAll(/^/gm, '  ')],
    ['base64 that is no certificate', `${PKI}/apiserver.crt`, CERTIFICATE, CERTIFICATE.replace(/MII/, 'AAA')],
    ['a certificate in the place of a key', `${PKI}/apiserver.key`, KEY, CERTIFICATE],
    ['a pair that has lost its key', '/var/lib/kubelet/pki/x.pem', CERTIFICATE + KEY, CERTIFICATE],
    ['a kubeconfig that is cut', '/etc/kubernetes/admin.conf', KUBECONFIG, KUBECONFIG.slice(0, KUBECONFIG.length / 2)],
    [
      'a kubeconfig without a user',
      '/etc/kubernetes/admin.conf',
      KUBECONFIG,
      KUBECONFIG.replace(/client-key-data.*/, ''),
    ],
    [
      'a configuration with PEM of another indentation',
      '/etc/kubernetes/authn.yaml',
      AUTHN,
      AUTHN.replaceAll(/^ {6}/gm, ''),
    ],
    ['a configuration with another field', '/etc/kubernetes/authn.yaml', AUTHN, AUTHN.replace('url:', 'uri:')],
  ])('and refused: %s', async (_title, path, before, after) => {
    await expect(write(path, before, after)).rejects.toMatchObject({
      code: 'PKI_WRITE_REFUSED',
      subject: hostPath(path),
    });
  });
});
