import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The layers below x509, and code that repairs no cluster: drills, tests and their servers. */
const APART = /^packages\/(?:x509|errors|lab|local-aws|testing)\/|\/generated\/|\.(?:test|fixture)\.ts$/;
const SOURCES = globSync(['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], { cwd: ROOT }).filter(
  (file) => !APART.test(file),
);

/** TLS adapters with the peer certificate of node:tls. They compare it or pass it on, and parse nothing. */
const TLS_ADAPTERS = ['packages/etcd-access/src/transport/server-trust.ts'];

/** Signs of a parser or builder of DER or PEM: PEM marks, the class of node:crypto, object identifiers, node-forge. */
const PARSERS: Readonly<Record<string, RegExp>> = {
  'a PEM mark': /-----(?:BEGIN|END)\b|BEGIN (?:CERTIFICATE|[A-Z ]*PRIVATE KEY)/,
  'the X509Certificate of node:crypto': /import (?:type )?\{[^}]*\bX509Certificate\b[^}]*\} from 'node:crypto'/,
  'a DER encoder or reader':
    /\b(?:encodeDer|readDer\w*|DER_TAG|encodeExtension|signCertificate|encodeCertificateBody)\b/,
  'an X.509 library': /'(?:node-forge|@peculiar\/[a-z0-9-]+|asn1js|pkijs)'/,
};

const findParsers = (text: string): readonly string[] =>
  Object.entries(PARSERS).flatMap(([what, pattern]) => (pattern.test(text) ? [what] : []));

describe('DER and PEM are parsed and built in packages/x509 alone', () => {
  it('and in no other source', () => {
    expect(SOURCES.length).toBeGreaterThan(400);
    const found = SOURCES.filter((file) => !TLS_ADAPTERS.includes(file)).flatMap((file) =>
      findParsers(readFileSync(`${ROOT}/${file}`, 'utf8')).map((what) => `${file}: ${what}`),
    );
    expect(found).toEqual([]);
  });

  it.each(TLS_ADAPTERS)('%s uses the class as a type alone', (file) => {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8');
    expect(findParsers(text)).toEqual(['the X509Certificate of node:crypto']);
    expect(text).toContain("import type { X509Certificate } from 'node:crypto'");
  });

  it.each([
    "if (text.includes('-----BEGIN CERTIFICATE-----')) return;",
    "import { createHash, X509Certificate } from 'node:crypto';",
    'const der = encodeDer(0x30, value);',
    "const forge = await import('node-forge');",
  ])('and the check notices %s', (line) => {
    expect(findParsers(line)).toHaveLength(1);
  });
});

it('node-forge is loaded by one module, when it is needed', () => {
  const users = globSync('packages/*/src/**/*.ts', { cwd: ROOT }).filter(
    (file) => !/\.(?:test|fixture)\.ts$/.test(file) && readFileSync(`${ROOT}/${file}`, 'utf8').includes("'node-forge'"),
  );
  expect(users).toEqual(['packages/x509/src/issuing/forge-encoding.ts']);
  const text = readFileSync(`${ROOT}/${users[0]}`, 'utf8');
  expect(text).not.toMatch(/^import (?!type).*'node-forge'/m);
});

it.each([
  ['reading and renewing certificates does not load node-forge', '', 'false'],
  [
    'a certificate from scratch loads it',
    "await (await import('@kube-rescue/x509')).createRequestFromScratch(REQUEST);",
    'true',
  ],
])('%s', async (_, more, isLoaded) => {
  const script = `
    import { generateKeyPairSync } from 'node:crypto';
    import { createRequire } from 'node:module';
    const { privateKey: key } = generateKeyPairSync('ed25519');
    await import('@kube-rescue/cert-rotation');
    ${more.replace('REQUEST', "{ subject: { commonName: 'a' }, key }")}
    const { cache } = createRequire(process.cwd() + '/package.json');
    console.log(Object.keys(cache).some((file) => file.includes('/node-forge/')));
  `;
  const directory = `${ROOT}/packages/recovery`;
  const options = ['--conditions=kube-rescue-source', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: directory });
  expect(stdout.trim()).toBe(isLoaded);
});
