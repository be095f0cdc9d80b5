import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { printable, redact } from './redact.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const PRIVATE_KEYS = {
  'PKCS#1': rsa.export({ type: 'pkcs1', format: 'pem' }).toString(),
  'SEC 1': ec.export({ type: 'sec1', format: 'pem' }).toString(),
  'PKCS#8': ec.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'encrypted PKCS#8': ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
} as const;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${randomBytes(900).toString('base64')}\n-----END CERTIFICATE-----\n`;

/** Every run of 24 characters of the key that is still in `text`. */
function leaksOf(key: string, text: string): readonly string[] {
  const body = key.replace(/-----[^-]+-----|\n/g, '');
  const pieces = Array.from({ length: body.length - 23 }, (_, index) => body.slice(index, index + 24));
  const encodings = [key, `x${key}`, `xx${key}`].map((each) => Buffer.from(each).toString('base64').slice(60, -60));
  const encoded = encodings.flatMap((each) => [each.slice(0, 24), each.slice(-24)]);
  return [...pieces, ...encoded].filter((piece) => text.includes(piece));
}

describe.each(Object.entries(PRIVATE_KEYS))('a private key in %s', (_, key) => {
  const base64 = Buffer.from(key).toString('base64');

  it.each([
    ['in PEM', key],
    ['in PEM, in a line of JSON', JSON.stringify({ key })],
    ['in PEM, indented', key.replaceAll('\n', '\n      ')],
    ['in base64', base64],
    ['in base64, one byte later', Buffer.from(`x${key}`).toString('base64')],
    ['in base64, two bytes later', Buffer.from(`xx${key}`).toString('base64')],
    ['in base64, in lines', (base64.match(/.{1,76}/g) ?? []).join('\n    ')],
    ['in base64, in lines, in JSON', JSON.stringify((base64.match(/.{1,76}/g) ?? []).join('\n'))],
    ['in a kubeconfig', `    client-key-data: ${base64}\n`],
    ['in a kubeconfig in base64', Buffer.from(`users:\n- user:\n    client-key-data: ${base64}\n`).toString('base64')],
  ])('is masked %s, and the text around it is not', (_form, text) => {
    const masked = redact(`before ${text}\nafter: it\n`);
    expect(leaksOf(key, masked)).toEqual([]);
    expect(masked).toContain('redacted');
    expect(masked).toMatch(/^before /);
    expect(masked).toMatch(/after: it\n$/);
  });

  it('is masked when truncated', () => {
    expect(redact(`before ${key.slice(0, -60)}`)).toMatch(/^before \[redacted [A-Z ]+\]$/);
  });

  it('is masked after its certificate, which stays readable', () => {
    expect(redact(CERTIFICATE + key)).toMatch(/^-----BEGIN CERTIFICATE[^[]+\[redacted [A-Z ]+\]\n$/);
    expect(redact(CERTIFICATE + key)).toContain(CERTIFICATE);
    const pem = Buffer.from(CERTIFICATE + key).toString('base64');
    const masked = redact(pem);
    expect(leaksOf(key, masked)).toEqual([]);
    expect(masked.slice(0, 1200)).toBe(pem.slice(0, 1200));
  });
});

const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50In0.c2lnbmF0dXJl-_x';

describe('a token or password', () => {
  it.each([
    [`error: ${JWT} was refused`, 'error: [redacted] was refused'],
    ['    token: s3cr3t\n    tokenFile: /x', '    token: [redacted]\n    tokenFile: /x'],
    [`token: 's3cr3t'`, `token: '[redacted]'`],
    ['{"token":"s3cr3t","user":"bob"}', '{"token":"[redacted]","user":"bob"}'],
    [String.raw`{\"id-token\":\"s3cr3t\"}`, String.raw`{\"id-token\":\"[redacted]\"}`],
    ['username: bob\npassword: hunter2\n', 'username: bob\npassword: [redacted]\n'],
    ['etcd --password=hunter2 --name=a', 'etcd --password=[redacted] --name=a'],
    ['Authorization: Bearer s3cr3t', 'Authorization: Bearer [redacted]'],
    ['https://bob:hunter2@10.0.0.1:2379/x', 'https://bob:[redacted]@10.0.0.1:2379/x'],
    ['kubeadm join --token abcdef.0123456789abcdef.', 'kubeadm join --token [redacted].'],
    ['AWS_SECRET_ACCESS_KEY=wJalr/XUtn+FEMI', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
    ['aws_secret_access_key = wJalr/XUtn+FEMI', 'aws_secret_access_key = [redacted]'],
    [
      '{"SecretAccessKey": "wJalr/XUtn", "SessionToken": "Fwo"}',
      '{"SecretAccessKey": "[redacted]", "SessionToken": "[redacted]"}',
    ],
    [`secret: ${'QUJD'.repeat(10)}QUI=`, 'secret: [redacted]'],
  ])('%j is masked', (text, masked) => {
    expect(redact(text)).toBe(masked);
  });
});

describe('ordinary text is unchanged', () => {
  it.each([
    CERTIFICATE,
    Buffer.from(CERTIFICATE).toString('base64'),
    Buffer.from(`x${CERTIFICATE}`).toString('base64'),
    `certificate-authority-data: ${Buffer.from(CERTIFICATE).toString('base64')}`,
    '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n',
    'node01.example0123456789ab',
    'node01.internalexample1.org',
    'the node node01.internalexample1.org is not ready',
    '/var/lib/node01.0123456789abcdef',
    '/var/lib/kubelet/pki/kubelet-client-2026-01-02-03-04-05.pem',
    '/etc/kubernetes/pki/apiserver-kubelet-client.key',
    'client-key: /var/lib/kubelet/pki/kubelet-client-current.pem',
    '--service-account-signing-key-file=/etc/kubernetes/pki/sa.key --token-auth-file=/etc/tokens.csv',
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'serial 7B19D1F0C2A34E55',
    'secret: kube-apiserver-etcd-client-certificate',
    'token:\n    username: bob',
    'https://10.9.0.11:6443/readyz?verbose',
    'k8s.gcr.io/kube-apiserver:v1.20.15@sha256:0123',
    'tokens are kept in tokenreviews.authentication.k8s.io',
  ])('%j', (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe('adversarial text', () => {
  const MEGABYTE = 1_000_000;
  it.each([
    'A',
    ' ',
    'a.',
    'eyJ-',
    'eyJaaaaaaaa.',
    'abcdef.',
    '-----BEGIN ',
    '-----BEGIN RSA PRIVATE KEY-----',
    'LS0tLS1CRUdJTi',
    'LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt\n',
    'token',
    'token: ',
    'token:\t\t\t',
    '://a:',
    'secret: AAAA',
    'authorization: bearer ',
    '\\"',
  ])('is redacted within 2 s: %j repeated', (piece) => {
    const text = piece.repeat(Math.ceil(MEGABYTE / piece.length));
    const start = process.cpuUsage();
    redact(text);
    // Processor time: other programs on the machine do not count.
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});

describe('text for a terminal', () => {
  it('has its control characters escaped', () => {
    expect(printable('a\u001b[31mred\u0007\r\u009b2J\u007f')).toBe('a\\x1b[31mred\\x07\\x0d\\x9b2J\\x7f');
    expect(printable('safe\u202egpj.exe')).toBe('safe\\u{202e}gpj.exe');
  });

  it('keeps tabs, newlines and letters of every script', () => {
    const text = 'a\tb\nÄ 証明書 🔑';
    expect(printable(text)).toBe(text);
  });
});
