import { hostPath } from '@kube-rescue/host';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKubeconfig, replaceKubeconfigCredentials } from './kubeconfig.ts';

const PATH = hostPath('/etc/kubernetes/admin.conf');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const kubeconfig = (certificate: string, key: string, lineBreak = '\n'): string =>
  `# made by kubeadm
apiVersion: v1
clusters:
- cluster: {certificate-authority-data: ${base64('old CA, new CA')}, server: "https://10.9.0.11:6443"}
  name: kubernetes   # ours
contexts:
- {context: {cluster: kubernetes, user: admin}, name: admin@kubernetes}
current-context: admin@kubernetes
users:
- name: somebody-else
  user: {token: abcdef.0123456789abcdef}
- name: admin
  user:
      client-certificate-data: ${certificate}
      client-key-data: ${key}
# the end`.replaceAll('\n', lineBreak);

describe('a kubeconfig', () => {
  it('is read by its current context', () => {
    expect(parseKubeconfig(kubeconfig(base64('C'), base64('K')), PATH)).toEqual({
      path: PATH,
      server: 'https://10.9.0.11:6443',
      serverName: '10.9.0.11',
      certificate: { in: 'kubeconfig', text: 'C' },
      key: { in: 'kubeconfig', text: 'K' },
      trust: { in: 'kubeconfig', text: 'old CA, new CA' },
    });
  });

  it.each([
    ['server: "https://[fd00::1]:6443"', 'fd00::1'],
    ['server: "https://127.0.0.1:8443", tls-server-name: api.example', 'api.example'],
    ['server: "https://127.0.0.1:8443", insecure-skip-tls-verify: true', undefined],
    ['server: "nonsense"', undefined],
  ])('with %s judges the server by the name %s', (cluster, name) => {
    const source = kubeconfig(base64('C'), base64('K')).replace('server: "https://10.9.0.11:6443"', cluster);
    expect(parseKubeconfig(source, PATH).serverName).toBe(name);
  });

  it('resolves relative paths from its own directory', () => {
    const source = kubeconfig('x', 'y')
      .replace('client-certificate-data: x', 'client-certificate: pki/admin.crt')
      .replace('client-key-data: y', 'client-key: /srv/admin.key');
    const { certificate, key } = parseKubeconfig(source, PATH);
    expect(certificate).toEqual({ in: 'file', path: '/etc/kubernetes/pki/admin.crt' });
    expect(key).toEqual({ in: 'file', path: '/srv/admin.key' });
  });

  const valid = kubeconfig(base64('C'), base64('K'));
  it.each([
    ['is not YAML', 'users: [}', 'is not valid YAML'],
    ['is not a mapping', '- 1', 'not a mapping'],
    ['has a key twice', `${valid}\nkind: Config\nkind: Config`, 'not valid YAML (DUPLICATE_KEY)'],
    ['has no current context', valid.replace(/current-context.*/, ''), 'current-context is missing'],
    [
      'names a context that is not there',
      valid.replace('current-context: admin', 'current-context: x'),
      'contexts has no entry',
    ],
    ['names a missing user', valid.replace('user: admin}', 'user: x}'), 'users has no entry "x"'],
    ['has credentials that are not base64', kubeconfig('a%%%', base64('K')), 'client-certificate-data is not base64'],
    ['has a number for a credential', kubeconfig('1234', base64('K')), 'client-certificate-data is not a string'],
    ['has an alias for a credential', kubeconfig(`&a ${base64('C')}`, '*a'), 'client-key-data is a YAML alias'],
  ])('that %s is refused by name', (_title, source, message) => {
    expect(() => parseKubeconfig(source, PATH)).toThrowError(
      expect.objectContaining({
        code: 'PKI_KUBECONFIG_INVALID',
        subject: PATH,
        message: expect.stringContaining(message),
      }),
    );
  });

  it('is never quoted in an error, even when it is malformed', () => {
    const source = kubeconfig(base64('C'), `${base64('very secret key')}: x: y\n  - ]`);
    try {
      parseKubeconfig(source, PATH);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(base64('very secret key'));
    }
  });
});

describe('replacing the credentials of a kubeconfig', () => {
  const styles: readonly ((value: string) => string)[] = [
    (value) => value,
    (value) => `"${value}"`,
    (value) => `'${value}'`,
    (value) => `&anchor ${value}   # a comment`,
    (value) => `!!str ${value}`,
  ];

  it('keeps every other byte', () => {
    const style = fc.constantFrom(...styles);
    const text = fc.string({ minLength: 1, unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(
        style,
        style,
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('', '\u{feff}'),
        text,
        text,
        (a, b, lineBreak, bom, c, k) => {
          const at = (certificate: string, key: string): string => bom + kubeconfig(a(certificate), b(key), lineBreak);
          const old = at(base64('old certificate'), base64('old key'));
          const both = { 'client-certificate-data': `C${c}`, 'client-key-data': `K${k}` };
          expect(replaceKubeconfigCredentials(old, PATH, both)).toBe(at(base64(`C${c}`), base64(`K${k}`)));
          const one = { 'client-certificate-data': `C${c}` };
          expect(replaceKubeconfigCredentials(old, PATH, one)).toBe(at(base64(`C${c}`), base64('old key')));
        },
      ),
    );
  });

  it.each([
    ['a literal block', `|\n        ${base64('old')}`],
    ['a folded block of two lines', `>-\n        ${base64('old').slice(0, 2)}\n        ${base64('old').slice(2)}`],
    ['a plain text of two lines', `${base64('abcdef')}\n        ${base64('uvwxyz')}`],
  ])('replaces %s as a whole', (_title, value) => {
    const source = kubeconfig(value, base64('K'));
    const replaced = replaceKubeconfigCredentials(source, PATH, { 'client-certificate-data': 'new' });
    expect(replaced).toBe(kubeconfig(base64('new'), base64('K')));
  });

  it('refuses a missing field', () => {
    const source = kubeconfig('x', 'y').replace('client-certificate-data: x', 'client-certificate: x.crt');
    expect(() => replaceKubeconfigCredentials(source, PATH, { 'client-certificate-data': 'new' })).toThrowError(
      expect.objectContaining({ code: 'PKI_KUBECONFIG_INVALID' }),
    );
  });
});
