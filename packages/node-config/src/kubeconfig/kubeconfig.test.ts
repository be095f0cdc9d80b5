import { hostPath } from '@kube-rescue/host';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKubeconfig, editKubeconfig } from './kubeconfig-bytes.ts';
import { type KubeconfigCredential, parseKubeconfig, replaceKubeconfigCredentials } from './kubeconfig.ts';

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
- name: other-admin
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
      otherCredential: undefined,
      userName: 'admin',
    });
  });

  it.each([
    ['server: "https://[fd00::1]:6443"', 'fd00::1'],
    ['server: "https://127.0.0.1:8443", tls-server-name: api.example', 'api.example'],
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
    ['is of another kind', `${valid}\nkind: Pod`, 'not a kubeconfig'],
    ['has a user twice', valid.replace('name: other-admin', 'name: admin'), 'users has two entries "admin"'],
    ['has no current context', valid.replace(/current-context.*/, ''), 'current-context is missing'],
    [
      'names a context that is not there',
      valid.replace('current-context: admin', 'current-context: x'),
      'contexts has no entry',
    ],
    ['names a missing user', valid.replace('user: admin}', 'user: x}'), 'users has no entry "x"'],
    ['has credentials that are not base64', kubeconfig('a%%%', base64('K')), 'client-certificate-data is not base64'],
    ['has a number for a credential', kubeconfig('1234', base64('K')), 'client-certificate-data is not a string'],
    [
      'has a certificate in folded lines',
      kubeconfig(`>\n        ${base64('CCC')}\n        ${base64('C')}`, base64('K')),
      'not base64',
    ],
    [
      'has a certificate in a file too',
      kubeconfig(`${base64('C')}\n      client-certificate: admin.crt`, base64('K')),
      'both given',
    ],
    ['has a certificate without key', valid.replace('client-key-data', 'another-key-data'), 'without a key'],
    [
      'names a CA and does not verify',
      valid.replace('server:', 'insecure-skip-tls-verify: true, server:'),
      'takes only one',
    ],
    ['names a server of another protocol', valid.replace('"https://', '"ftp://'), 'neither an http or https URL'],
    ['names a server by a port that is too large', valid.replace(':6443"', ':70000"'), 'neither an http or https URL'],
    ['is indented with tabs', valid.replace('      client-key', '\t\tclient-key'), 'not valid YAML'],
    ['has a tab in a blank line', valid.replace('current-context', '\t\ncurrent-context'), 'indented with a tab'],
    ['ends with zero bytes', `${valid}\0\0`, 'has a control character'],
    ['was emptied', '', 'the file is empty'],
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
    ['a literal block of two lines', `|\n        ${base64('abcdef')}\n        ${base64('uvwxyz')}`],
    ['a folded block of one line', `>-\n        ${base64('old')}`],
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

  const shared = kubeconfig(`&both ${base64('old')}`, base64('K')).replace(
    'user: {token: abcdef.0123456789abcdef}',
    'user: {client-certificate-data: *both, client-key-data: *both}',
  );

  it('leaves a value alone that another user shares by an alias', () => {
    // An alias must follow its anchor.
    const [head = '', users = ''] = shared.split('users:\n');
    const [, other = '', own = ''] = /(- name: other-admin[^]*?)(- name: admin[^]*)/.exec(users) ?? [];
    const source = `${head}users:\n${own.replace('# the end', '')}${other}`;
    expect(() => replaceKubeconfigCredentials(source, PATH, { 'client-certificate-data': 'new' })).toThrowError(
      expect.objectContaining({ message: expect.stringContaining('other fields share the value') }),
    );
  });

  it('writes the value instead of an alias', () => {
    const source = kubeconfig(`&both ${base64('old')}`, '*both');
    expect(replaceKubeconfigCredentials(source, PATH, { 'client-key-data': 'new' })).toBe(
      kubeconfig(`&both ${base64('old')}`, base64('new')),
    );
  });

  it('replaces the last of two equal keys, which is the one that counts', () => {
    const twice = (last: string): string =>
      kubeconfig(base64('C'), `${base64('first')}\n      client-key-data: ${base64(last)}`);
    expect(parseKubeconfig(twice('old'), PATH).key).toEqual({ in: 'kubeconfig', text: 'old' });
    expect(replaceKubeconfigCredentials(twice('old'), PATH, { 'client-key-data': 'new' })).toBe(twice('new'));
  });
});

/** One context without a name and no current context, as early installers write it. */
const unnamed = (certificate: string): string => `apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://api.example:443
    certificate-authority-data: ${base64('CA')}
users:
- name: kubelet
  user:
    client-certificate-data: ${base64(certificate)}
    client-key-data: ${base64('K')}
contexts:
- context:
    cluster: local
    user: kubelet
`;

describe('a kubeconfig with one context without a name', () => {
  it.each([
    ['no current context', unnamed('C')],
    ['an empty current context', `${unnamed('C')}current-context: ""\n`],
    ['empty names', `${unnamed('C')}  name: ""\n`],
    ['another context with a name', `${unnamed('C')}- {name: x, context: {cluster: nowhere, user: missing}}\n`],
  ])('and %s is read', (_title, source) => {
    expect(parseKubeconfig(source, PATH)).toMatchObject({
      server: 'https://api.example:443',
      serverName: 'api.example',
      certificate: { text: 'C' },
      trust: { text: 'CA' },
    });
  });

  it('keeps every other byte when its certificate is renewed', () => {
    expect(replaceKubeconfigCredentials(unnamed('old'), PATH, { 'client-certificate-data': 'new' })).toBe(
      unnamed('new'),
    );
  });

  it('is refused when its current context names another', () => {
    expect(() => parseKubeconfig(`${unnamed('C')}current-context: x\n`, PATH)).toThrowError(
      /contexts has no entry "x"/,
    );
  });
});

describe('a user without a certificate', () => {
  it.each([
    ['{token: abc}', 'a token'],
    ['{tokenFile: /run/token}', 'a token'],
    ['{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}}', 'an exec plugin'],
    ['{auth-provider: {name: gcp}}', 'an auth provider'],
    ['{username: admin, password: secret}', 'a password'],
    ['{}', undefined],
  ])('%s has %s', (user, otherCredential) => {
    const source = unnamed('C').replace(/user:\n.*\n.*\n(?=contexts)/, `user: ${user}\n`);
    expect(parseKubeconfig(source, PATH)).toMatchObject({ certificate: undefined, key: undefined, otherCredential });
  });
});

describe('a kubeconfig of several clusters', () => {
  const cluster = (name: string): string =>
    `{name: ${name}, cluster: {server: "https://${name}:6443", certificate-authority-data: ${base64(`CA of ${name}`)}}}`;
  const user = (name: string): string =>
    `{name: ${name}, user: {client-certificate-data: ${base64(name)}, client-key-data: ${base64(`key of ${name}`)}}}`;
  const merged = (ours = user('ours')): string => `clusters: [${cluster('theirs')}, ${cluster('ours')}]
users: [${user('theirs')}, ${ours}]
contexts:
- {name: theirs, context: {cluster: theirs, user: theirs}}
- {name: ours, context: {cluster: ours, user: ours}}
current-context: theirs
`;
  const isOfCluster = (trust: KubeconfigCredential): boolean =>
    trust.in === 'kubeconfig' && trust.text === 'CA of ours';

  it('is read by its current context, as client-go reads it', () => {
    expect(parseKubeconfig(merged(), PATH).server).toBe('https://theirs:6443');
  });

  it('is read by the context of the cluster in question', () => {
    expect(parseKubeconfig(merged(), PATH, { isOfCluster }).server).toBe('https://ours:6443');
    expect(parseKubeconfig(merged(), PATH, { isOfCluster: () => false }).server).toBe('https://theirs:6443');
  });

  it('is renewed for that cluster alone', () => {
    const replaced = replaceKubeconfigCredentials(merged(), PATH, { 'client-key-data': 'new' }, { isOfCluster });
    expect(replaced).toBe(merged(user('ours').replace(base64('key of ours'), base64('new'))));
  });
});

describe('the bytes of a kubeconfig', () => {
  const utf16 = (text: string): Buffer => Buffer.from(`\u{feff}${text}`, 'utf16le');

  it.each([
    ['UTF-8', Buffer.from('a: ä')],
    ['UTF-16, little endian', utf16('a: ä')],
    ['UTF-16, big endian', utf16('a: ä').swap16()],
  ])('in %s are decoded', (_title, bytes) => {
    expect(decodeKubeconfig(bytes, PATH)).toBe('a: ä');
  });

  it.each([
    ['Latin-1', Buffer.from('a: ä', 'latin1'), 'not UTF-8'],
    ['half a character of UTF-16', utf16('a: ä').subarray(0, -1), 'not UTF-16'],
  ])('in %s are refused with the command that converts them', (_title, bytes, message) => {
    expect(() => decodeKubeconfig(bytes, PATH)).toThrowError(
      expect.objectContaining({
        code: 'PKI_KUBECONFIG_INVALID',
        message: expect.stringContaining(message),
        hint: expect.stringContaining('iconv'),
      }),
    );
  });

  it('stay the same without a change, and become UTF-8 with one', () => {
    const bytes = utf16('a: ä');
    expect(editKubeconfig(bytes, PATH, (source) => source)).toBe(bytes);
    expect(Buffer.from(editKubeconfig(bytes, PATH, (source) => `${source}!`)).toString()).toBe('a: ä!');
  });
});
