import { isRecoveryError } from '@kube-rescue/errors';
import { hostPath } from '@kube-rescue/host';
import { createFakeHost, startCpuTime, type TreeEntry } from '@kube-rescue/testing';
import {
  buildChain,
  detailCertificate,
  encodePem,
  parseCertificate,
  parseCertificates,
  parsePrivateKey,
  planCaValidity,
  readPem,
  reissueCa,
  replacePemBlocks,
} from '@kube-rescue/x509';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCertificateSet } from './adoption/certificate-set.ts';
import { judgeCertificateSet } from './adoption/set-judgement.ts';
import { inspectLocation } from './inventory/certificate-inspection.ts';
import { inspectCertificates } from './inventory/inventory.ts';
import { kubeadmNode, type Node, NOW, putFile } from './kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../x509/src/openssl.fixture.ts';
import { reportCertificates } from './judgement/report.ts';

let node: Node;

beforeAll(async () => {
  node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca', 'etcd/server'] });
});

/** Runs `action`, which may only fail with an expected error, and within seconds. */
async function expectSurvival(action: () => unknown): Promise<void> {
  const spentMs = startCpuTime();
  try {
    await action();
  } catch (error) {
    if (!isRecoveryError(error)) throw error;
  }
  expect(spentMs()).toBeLessThan(5_000);
}

const seconds = async (action: () => unknown): Promise<number> => {
  const spentMs = startCpuTime();
  await action();
  return spentMs() / 1000;
};

describe('a PEM text', () => {
  it('of 10,000 blocks is read in a second, and edited', async () => {
    const { certificate } = node.pki.pairs.ca;
    const text = certificate.repeat(10_000);
    let blocks = 0;
    expect(await seconds(() => (blocks = readPem(text, 'x').length))).toBeLessThan(2);
    expect(blocks).toBe(10_000);
    expect(await seconds(() => replacePemBlocks(text, 'x', () => 'new'))).toBeLessThan(2);
    expect(await seconds(() => parseCertificates(text, 'x'))).toBeLessThan(5);
  });

  it('keeps every byte but those of the block that is replaced', () => {
    const block = fc
      .tuple(
        fc.uint8Array({ minLength: 1 }),
        fc.string().filter((text) => !text.includes('-----')),
      )
      .map(([der, junk]) => `${junk}\n${encodePem('CERTIFICATE', der)}`);
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (parts, lineBreak, cut) => {
          const whole = parts.join('').replaceAll('\n', lineBreak);
          const text = cut ? whole.slice(0, -lineBreak.length) : whole;
          expect(replacePemBlocks(text, 'x', () => undefined)).toBe(text);
          const [first] = readPem(text, 'x');
          const edited = replacePemBlocks(text, 'x', (each) => (each.start === first?.start ? 'NEW' : undefined));
          expect(edited).toBe(`${text.slice(0, first?.start)}NEW${text.slice(first?.end)}`);
        },
      ),
    );
  });

  it.each([
    [
      'two blocks that were joined without a line break',
      `${encodePem('CERTIFICATE', Buffer.alloc(9)).trimEnd()}${encodePem('CERTIFICATE', Buffer.alloc(9))}`,
      'where another begins',
    ],
    ['DER', '0\u0082\u0001\u0000', 'DER'],
  ])('that is %s is refused by name', (_, text, reason) => {
    expect(() => readPem(text, 'x')).toThrow(reason);
  });

  it.each(['\n', '-----BEGIN ', '-----BEGIN A-----\n', 'A', ' ', '-----END CERTIFICATE-----\n', '\r'])(
    'of 4 MB of %j takes no time',
    async (piece) => {
      await expectSurvival(() => readPem(piece.repeat((4 * 1024 * 1024) / piece.length), 'x'));
    },
  );
});

it('an encrypted private key of either kind is reported as encrypted', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'x', format: 'pem' } as const;
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    const pem = privateKey.export({ ...cipher, type }).toString();
    expect(() => parsePrivateKey(pem, 'x')).toThrowError(expect.objectContaining({ code: 'PKI_KEY_ENCRYPTED' }));
  }
});

describe('a certificate', () => {
  it('that is damaged anywhere fails as a typed error or is read, and never takes long', async () => {
    const { der } = parseCertificates(node.pki.pairs.apiserver.certificate, 'x')[0];
    const ca = parseCertificates(node.pki.pairs.ca.certificate, 'x')[0];
    const key = parsePrivateKey(node.pki.pairs.ca.key, 'x').key;
    const validity = planCaValidity(NOW, 10);
    const damage = fc.array(fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(der.length), async (changes, length) => {
        const bytes = Uint8Array.from(der);
        for (const [at, value] of changes) bytes[at] = value;
        for (const each of [bytes, bytes.subarray(0, length)]) {
          await expectSurvival(() => {
            const certificate = parseCertificate(each, 'x');
            detailCertificate(certificate, NOW);
            buildChain(certificate, [certificate, ca]);
            reissueCa({ template: certificate, key, keySource: 'x', validity, subject: 'x' });
          });
        }
      }),
      { numRuns: 600 },
    );
  });

  it('of more than a megabyte is refused before it is parsed', () => {
    // A SEQUENCE of 2 MiB of zeros.
    const der = Buffer.concat([Uint8Array.of(0x30, 0x83, 0x20, 0x00, 0x00), Buffer.alloc(2 * 1024 * 1024)]);
    expect(() => parseCertificate(der, 'x')).toThrowError(expect.objectContaining({ code: 'PKI_CERTIFICATE_INVALID' }));
  });

  it('of a CA with a negative serial number and an end past 2050 is reissued with a valid one', () => {
    using openssl = openOpenSsl();
    openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.key');
    openssl.run('req -x509 -new -key k.key -subj /CN=x -days 30000 -set_serial -7 -out c.crt');
    const [template] = parseCertificates(openssl.read('c.crt'), 'x');
    const { key } = parsePrivateKey(openssl.read('k.key'), 'x');
    const validity = planCaValidity(NOW, 36_500);
    const issued = reissueCa({ template, key, keySource: 'x', validity, subject: 'x' });
    expect(issued.notAfter).toEqual(validity.notAfter);
    expect(new X509Certificate(issued.der).serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    openssl.write('new.crt', encodePem('CERTIFICATE', issued.der));
    const time = `-attime ${NOW.getTime() / 1000}`;
    expect(openssl.run(`verify -x509_strict ${time} -CAfile new.crt new.crt`)).toContain('OK');
  });
});

describe('files of a node', () => {
  it('with arbitrary content are read or reported, and never hide the others', async () => {
    const locations = ['/etc/kubernetes/pki/apiserver.crt', '/etc/kubernetes/pki/ca.crt', '/etc/kubernetes/admin.conf'];
    const pem = node.pki.pairs.apiserver.certificate;
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(pem.length), fc.string()).map(([at, junk]) => pem.slice(0, at) + junk + pem.slice(at)),
      fc.string().map((value) => `kind: Config\nclusters: ${value}\ncurrent-context: x\n`),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...locations), text, async (location, content) => {
        const files = new Map(node.tree);
        putFile(files, location, content);
        const host = createFakeHost({ tree: files });
        await expectSurvival(async () => {
          const inventory = await inspectCertificates(node.input, { host });
          expect(reportCertificates(inventory, { now: NOW }).length).toBeGreaterThan(10);
        });
        const file = { path: hostPath(location), reader: host };
        await expectSurvival(() =>
          inspectLocation({ target: location, node: node.input, file }, { host, clock: { now: () => NOW } }),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('are judged in seconds with a CA that is a bundle of 5,000 of one name and other keys', async () => {
    using openssl = openOpenSsl();
    openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.key');
    openssl.run('req -x509 -new -key k.key -subj /CN=kubernetes -out c.crt');
    const files = new Map(node.tree);
    putFile(files, '/etc/kubernetes/pki/ca.crt', openssl.read('c.crt').repeat(5_000) + node.pki.pairs.ca.certificate);
    const host = createFakeHost({ tree: files });
    const spent = await seconds(async () => {
      const inventory = await inspectCertificates({ ...node.input, only: ['apiserver'] }, { host });
      const [row] = reportCertificates(inventory, { now: NOW });
      expect(row).toMatchObject({ id: 'apiserver', status: 'ok' });
    });
    expect(spent).toBeLessThan(10);
  });
});

describe('a set of certificates', () => {
  const file = (bytes: Uint8Array): TreeEntry => ({ kind: 'file', bytes, mode: 0o600 });

  it('of any files fails as a typed error or is read', async () => {
    const inventory = await inspectCertificates(node.input, { host: node.host });
    const content = fc.oneof(
      fc.uint8Array(),
      fc.constantFrom(...Object.values(node.pki.pairs).map(({ certificate }) => Buffer.from(certificate))),
      fc.string().map((text) => Buffer.from(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`)),
      fc.string().map((text) => Buffer.from(`kind: Config\n${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 8 }), async (contents) => {
        const tree = new Map(contents.map((bytes, at) => [hostPath(`/set/${at}`), file(bytes)]));
        await expectSurvival(async () => {
          const set = await readCertificateSet(hostPath('/set'), createFakeHost({ tree }));
          judgeCertificateSet(set, inventory, NOW);
        });
      }),
      { numRuns: 200 },
    );
  });

  it.each(['\n', ' ', 'kind:', '\t'])('with 4 MB of %j takes no time', async (piece) => {
    const tree = new Map([[hostPath('/set/x'), file(Buffer.from(piece.repeat((4 * 1024 * 1024) / piece.length)))]]);
    await expectSurvival(() => readCertificateSet(hostPath('/set'), createFakeHost({ tree })));
  });
});
