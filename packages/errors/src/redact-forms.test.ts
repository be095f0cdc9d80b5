import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const PEM = rsa.export({ type: 'pkcs1', format: 'pem' }).toString();
const DERS: readonly (readonly [string, Buffer])[] = [
  ['PKCS#1', rsa.export({ type: 'pkcs1', format: 'der' })],
  ['PKCS#8', rsa.export({ type: 'pkcs8', format: 'der' })],
  ['SEC 1', ec.export({ type: 'sec1', format: 'der' })],
  ['PKCS#8 of EC', ec.export({ type: 'pkcs8', format: 'der' })],
  ['encrypted PKCS#8', ec.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' })],
];
/** Self-signed, of a key that was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUC67HFWDUrxbyXvGSHHhQbCAmnzIwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAeFw0yNjExMjkwMTIxMDFaFw0zNjExMjYw
MTIxMDFaMBUxEzARBgNVBAMMCmt1YmVybmV0ZXMwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARjnuMNCkGZeY8Af1tbNANwQS6/dIaKpjBL8GOqKXhz6nSMpYw5xtMu
mSDDdYGLX+XBmvhvnsl87Ykeg5Xq0eqjo1MwUTAdBgNVHQ4EFgQUtCEoghgzmvXb
UZk9JIbOIsp7gaQwHwYDVR0jBBgwFoAUtCEoghgzmvXbUZk9JIbOIsp7gaQwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBfTsE/8JsvWrm14ccHWvXC
4z+vjaQMdhTByHITbFlORAIgdQjyzsOML0xZBV9U0OKggl4MxsOlX9NmqnCmwMKh
b2o=
-----END CERTIFICATE-----
`;
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const lines = (text: string, width: number): string => (text.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n');

/** Pieces of `text` of 24 characters that are still there. */
function leaks(text: string): readonly string[] {
  const pieces = Array.from({ length: Math.floor(text.length / 24) }, (_, at) => text.slice(at * 24, at * 24 + 24));
  const out = redact(text);
  return pieces.filter((piece) => /[A-Za-z0-9]{8}/.test(piece) && !piece.includes('-----') && out.includes(piece));
}

describe('a private key is masked', () => {
  it.each([
    ['in base64 of base64', base64(base64(PEM))],
    ['in base64 three times', base64(base64(base64(PEM)))],
    ['in base64url', Buffer.from(PEM).toString('base64url')],
    ['with percent encoding', encodeURIComponent(PEM)],
    ['in base64 with percent encoding', encodeURIComponent(base64(PEM))],
    ['in gzip in base64, as Helm keeps it', base64(base64(gzipSync(PEM)))],
    ['without its first line', PEM.split('\n').slice(1).join('\n')],
    ['without its first and last line', PEM.split('\n').slice(1, -2).join('\n')],
    ['from its middle to its end', PEM.slice(300)],
    [
      'from its middle, with the prefix of a container log',
      PEM.split('\n')
        .slice(4)
        .map((line) => `2026-11-01T00:00:00Z stderr F ${line}`)
        .join('\n'),
    ],
    ['as a JSON Web Key', JSON.stringify(rsa.export({ format: 'jwk' }))],
    ['as a JSON Web Key in a string', JSON.stringify(JSON.stringify(ec.export({ format: 'jwk' })))],
    ['as an age identity', 'AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE'],
    ['as an age identity in lower case', 'age-secret-key-1qpzry9x8gf2tvdw0s3jn54khce6mua7lqpzry9x8gf2tvdw0s3jn54khce'],
    [
      'of OpenSSH without its header',
      lines(base64(Buffer.concat([Buffer.from('openssh-key-v1\0'), randomBytes(400)])), 70),
    ],
    ['of PuTTY', `Private-Lines: 4\n${lines(base64(randomBytes(180)), 64)}\nPrivate-MAC: 00`],
  ])('%s', (_, text) => {
    expect(leaks(text)).toEqual([]);
  });

  describe.each(DERS)('in %s', (_, der) => {
    const colons = der.toString('hex').replace(/..(?!$)/g, '$&:');
    it.each([
      ['base64', der.toString('base64')],
      ['base64 in lines', lines(der.toString('base64'), 64)],
      ['base64 in lines in JSON', JSON.stringify(lines(der.toString('base64'), 76))],
      ['hexadecimal', der.toString('hex')],
      ['upper case hexadecimal', der.toString('hex').toUpperCase()],
      ['hexadecimal in lines', lines(der.toString('hex'), 64)],
      ['hexadecimal with colons', colons],
      ['hexadecimal with colons, in lines', colons.replaceAll(/(.{45})/g, '$1\n    ')],
      ['an array of numbers', JSON.stringify([...der])],
    ])('as %s', (_form, text) => {
      expect(leaks(text)).toEqual([]);
      expect(redact(`before ${text} `)).toMatch(/^before/);
    });
  });
});

const JWT = 'eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLXh4eHg';

describe('a secret with a name or a known shape is masked', () => {
  it.each([
    ['wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'wJalr'],
    ['AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'wJalr'],
    [base64('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'), base64('wJalrXUtn').slice(0, 10)],
    ['secret=wJalrXUtnFEMI%2FK7MDENG%2FbPx', 'wJalr'],
    [base64('abcdef.0123456789abcdef'), 'YWJjZGVm'],
    [base64(JWT), base64(JWT).slice(0, 12)],
    [JWT.replace('.', '.\n'), 'c2lnbmF0'],
    ['password: "correct horse battery"', 'horse'],
    ["password: 'correct horse battery'", 'horse'],
    ['  db_password: correct horse battery\n', 'horse'],
    ['password: |\n  first hunter2\n  second hunter3\nuser: bob', 'hunter3'],
    ['{"dbPassword":"hunter2"}', 'hunter2'],
    ['spring.datasource.password=hunter2', 'hunter2'],
    ['DB_PASSWORD=hunter2', 'hunter2'],
    ['export API_KEY="hunter2"', 'hunter2'],
    ['--passwd hunter2', 'hunter2'],
    ['["etcdctl","--password","hunter2"]', 'hunter2'],
    ['client_secret=hunter2', 'hunter2'],
    ['clientSecret: hunter2', 'hunter2'],
    ['api_key: hunter2hunter2', 'hunter2'],
    ['X-Amz-Security-Token=FwoGZXIvYXdz&X-Amz-Signature=abcdef0123', 'abcdef0123'],
    ['Authorization: Basic Ym9iOmh1bnRlcjI=', 'Ym9iOmh1'],
    ['Proxy-Authorization: Digest username="bob", response="abcdef"', 'abcdef'],
    ['{"authorization":"Bearer hunter2"}', 'hunter2'],
    ['Cookie: session=abcdefhunter2; other=x', 'hunter2'],
    ['Set-Cookie: id=hunter2; Path=/', 'hunter2'],
    ['X-Vault-Token: hunter2', 'hunter2'],
    ['{"auths":{"r":{"auth":"Ym9iOmh1bnRlcjI="}}}', 'Ym9iOmh1'],
    ['https://bob:hunter2@10.0.0.1/x', 'hunter2'],
    ['https://0123456789abcdef0123456789@git.example.com/x', '0123456789abcdef'],
    ['    - secretbox:\n        keys:\n        - name: key1\n          secret: qWxY', 'qWxY'],
    ['--certificate-key 3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d', '3c4d5e6f'],
    ['certificateKey: 3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f', '3c4d5e6f'],
    ['ghp_0123456789abcdefghijABCDEFGHIJ012345', '456789abcdef'],
    ['root:$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789:19000', 'abcdefghij'],
  ])('%j', (text, secret) => {
    expect(redact(text)).not.toContain(secret);
  });
});

describe('what is public stays', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const digest = randomBytes(32);
  it.each([
    publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'),
    publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    JSON.stringify(publicKey.export({ format: 'jwk' })),
    `sha256:${digest.toString('hex')}`,
    `SHA256:${digest.toString('base64')}`,
    `sha256//${digest.toString('base64')}`,
    digest
      .toString('hex')
      .toUpperCase()
      .replace(/..(?!$)/g, '$&:'),
    `--discovery-token-ca-cert-hash sha256:${digest.toString('hex')}`,
    'commit 9e7d0880a1b2c3d4e5f60718293a4b5c6d7e8f90',
    'the flag --token is required, and --password must not be empty',
    'kube-system/kube-controller-manager-token-x7k2p',
    'serviceaccounttokens.k8s.io/tokenrequest: 3600',
    'secret: kube-apiserver-etcd-client-certificate',
    'Secret kube-system/aws, keys id and secret',
    'failed: the passwords differ',
    '/var/lib/kubelet/pods/0f2b6c1e-7a7b-4c5d-9e8f-001122334455/volumes/kubernetes.io~projected',
    '--authorization-mode=Node,RBAC --tls-private-key-file=/etc/kubernetes/pki/apiserver.key',
    'registry.k8s.io%2Fpause%3A3.9',
  ])('%j', (text) => {
    expect(redact(text)).toBe(text);
  });

  it('a certificate in every form', () => {
    const { raw } = new X509Certificate(CERTIFICATE);
    for (const text of [
      CERTIFICATE,
      base64(CERTIFICATE),
      raw.toString('base64'),
      lines(raw.toString('base64'), 64),
      raw.toString('hex'),
    ]) {
      expect(redact(text)).toBe(text);
    }
  });
});

describe('a megabyte of hostile text is redacted in time', () => {
  const pieces = [
    '%41',
    'a%4',
    '%',
    'ab:',
    'ab ',
    '4,',
    '1 , ',
    'kty"d":"d":',
    'Private-Lines: 1\n',
    'prime1:',
    `${'A'.repeat(40)}\n`,
  ];
  pieces.push(
    'QUFB\\n',
    '--a-',
    'a_',
    '--token ',
    'token:"',
    "token='x",
    'password:\n  ',
    'cookie: ',
    '- - ',
    'dbPassword: ',
    'H4sI',
  );
  pieces.push(
    '-----END RSA PRIVATE KEY-----',
    '-----BEGIN CERTIFICATE-----',
    `${'aB1'.repeat(13)}a `,
    '\\',
    '$2a$',
    'AGE-SECRET-KEY-',
  );
  it.each(pieces)('%j repeated', (piece) => {
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
    const start = process.cpuUsage();
    redact(text);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});
