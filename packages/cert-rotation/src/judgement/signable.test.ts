import { encodePem } from '@kube-rescue/x509';
import { createFixedClock } from '@kube-rescue/testing';
import { hostPath } from '@kube-rescue/host';
import { describe, expect, it } from 'vitest';
import { openOpenSsl, type OpenSsl } from '../../../x509/src/openssl.fixture.ts';
import type { CertificateId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { createRenewalSteps } from '../renewal/renewal-steps.ts';
import { exportSigningRequests } from '../renewal/signing-request-export.ts';
import { judgeCertificate } from './judgement.ts';

const PKI = '/etc/kubernetes/pki';
const clock = createFixedClock(NOW);
const { signal } = new AbortController();
const CA_OF: Partial<Record<CertificateId, string>> = {
  'etcd/server': 'etcd/ca',
  'etcd/peer': 'etcd/ca',
  'apiserver-etcd-client': 'etcd/ca',
  'front-proxy-client': 'front-proxy-ca',
};

interface Forgery {
  readonly id: CertificateId;
  /** OpenSSL's form, or lines of a `[dn]` section. */
  readonly subject: string;
  readonly extensions: readonly string[];
  /** A CA of the node that has signed it; `undefined`: self-signed. */
  readonly signedBy?: string | undefined;
}

/** Signs a certificate by OpenSSL, as its author would. */
function forge(openssl: OpenSsl, { subject, extensions, signedBy }: Forgery, files: Node['tree']): void {
  openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out forged.key');
  openssl.write(
    'forge.cnf',
    `[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=utf8only\n[dn]\n${subject}\n[e]\n${extensions.join('\n')}\n`,
  );
  openssl.run('req -new -utf8 -key forged.key -config forge.cnf -out forged.csr');
  const days = '-days 30000';
  if (signedBy === undefined) {
    openssl.run(
      `x509 -req -in forged.csr -signkey forged.key ${days} -extfile forge.cnf -extensions e -out forged.crt`,
    );
    return;
  }
  openssl.write('ca.crt', textIn(files, `${PKI}/${signedBy}.crt`));
  openssl.write('ca.key', textIn(files, `${PKI}/${signedBy}.key`));
  openssl.run(
    `x509 -req -in forged.csr -CA ca.crt -CAkey ca.key -CAcreateserial ${days} -extfile forge.cnf -extensions e -out forged.crt`,
  );
}

async function nodeWith(forgery: Forgery): Promise<Node> {
  using openssl = openOpenSsl();
  return await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
    forge(openssl, forgery, files);
    putFile(files, `${PKI}/${forgery.id}.crt`, openssl.read('forged.crt'));
    putFile(files, `${PKI}/${forgery.id}.key`, openssl.read('forged.key'));
  });
}

async function expectRefused(node: Node, id: CertificateId, text: string): Promise<void> {
  const inventory = await inspectCertificates({ ...node.input, only: [id] }, node);
  const [entry] = inventory.certificates;
  if (entry === undefined) throw new Error(`no ${id}`);
  expect(judgeCertificate(entry, inventory, { now: NOW })).toContainEqual(
    expect.objectContaining({ severity: 'problem', fixedBy: 'operator', message: expect.stringContaining(text) }),
  );
  const before = await textAt(node.host, `${PKI}/${id}.crt`);
  for (const newKeys of [false, true]) {
    const [step] = createRenewalSteps({ inventory, options: { all: true, newKeys } }, { host: node.host, clock });
    const finding = await step?.check(signal);
    expect(finding).toMatchObject({ status: 'blocked', changes: [] });
    expect(`${finding?.summary} ${finding?.evidence.join()}`).toContain(text);
    // A plan made before the file was exchanged does not sign it either.
    const change = {
      kind: 'file.replace',
      target: `${PKI}/${id}.crt`,
      before: 'absent',
      after: 'generated',
      mode: 0o600,
      uid: 0,
      gid: 0,
    };
    const perform = async (): Promise<void> => undefined;
    await expect(step?.apply([change], { perform, waitingFor: () => undefined }, signal)).rejects.toThrow(text);
  }
  const directory = hostPath('/root/requests');
  await expect(
    exportSigningRequests({ inventory, directory, newKeys: true }, { files: node.host }),
  ).rejects.toMatchObject({
    code: 'PKI_REQUEST_IMPOSSIBLE',
  });
  expect(await textAt(node.host, `${PKI}/${id}.crt`)).toBe(before);
}

const CLIENT = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=clientAuth'];
const SERVER = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=serverAuth', 'subjectAltName=DNS:node01'];

describe('a certificate that a CA of this cluster signed is not renewed', () => {
  it.each<[string, Forgery, string]>([
    [
      'for the user mallory in the place of a component',
      { id: 'apiserver-kubelet-client', subject: 'CN=mallory', extensions: CLIENT },
      'claims the user mallory',
    ],
    [
      'with a group that the catalogue does not give it',
      { id: 'apiserver', subject: 'O=system:masters\nCN=kube-apiserver', extensions: SERVER },
      'claims the group system:masters',
    ],
    [
      'with a reserved group in other letters',
      { id: 'apiserver', subject: 'O=System:Masters\nCN=kube-apiserver', extensions: SERVER },
      'claims the group System:Masters',
    ],
    [
      'with a reserved group and blanks behind it',
      {
        id: 'apiserver-kubelet-client',
        subject: 'O="system:masters "\nCN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
      },
      'claims the group',
    ],
    [
      'with two groups',
      {
        id: 'apiserver-kubelet-client',
        subject: '0.O=system:masters\n1.O=system:nodes\nCN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
      },
      'claims the group system:nodes',
    ],
    [
      'with a second group in one relative name',
      {
        id: 'apiserver-kubelet-client',
        subject: 'O=system:masters\n+O=ops\nCN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
      },
      'claims the group ops',
    ],
    [
      'with a second user',
      {
        id: 'apiserver-kubelet-client',
        subject: '0.CN=kube-apiserver-kubelet-client\n1.CN=system:kube-scheduler',
        extensions: CLIENT,
      },
      'claims the user system:kube-scheduler',
    ],
    ['without a user', { id: 'apiserver-kubelet-client', subject: 'OU=x', extensions: CLIENT }, 'claims no user'],
    [
      'of a kubelet in the place of the serving certificate',
      { id: 'apiserver', subject: 'O=system:nodes\nCN=system:node:node02', extensions: SERVER },
      'claims the group system:nodes',
    ],
    [
      'for servers with another user as a client',
      {
        id: 'apiserver',
        subject: 'CN=mallory',
        extensions: ['extendedKeyUsage=serverAuth,clientAuth', 'subjectAltName=DNS:node01'],
      },
      'claims the user mallory',
    ],
    [
      'that is a CA',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['basicConstraints=critical,CA:TRUE'] },
      'can sign certificates',
    ],
    [
      'that may sign certificates',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['keyUsage=keyCertSign'] },
      'can sign certificates',
    ],
    [
      'that may sign revocation lists',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['keyUsage=digitalSignature,cRLSign'] },
      'can sign revocation lists',
    ],
    [
      'with name constraints',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: [...SERVER, 'nameConstraints=permitted;DNS:x'] },
      'an extension that only a CA may have',
    ],
    [
      'with an unknown critical extension',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: [...SERVER, '1.2.3.4=critical,ASN1:UTF8:x'] },
      'a critical extension that is not known',
    ],
    [
      'with the UID of a user',
      {
        id: 'apiserver-kubelet-client',
        subject: 'uid.1.3.6.1.4.1.57683.2=root\nCN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
      },
      'claims the UID of a user',
    ],
    [
      'as a user of Kubernetes in the place of an etcd member',
      { id: 'etcd/server', subject: 'CN=system:kube-controller-manager', extensions: [...SERVER] },
      'claims the user system:kube-controller-manager',
    ],
  ])('%s', async (_title, forgery, text) => {
    await expectRefused(await nodeWith({ signedBy: CA_OF[forgery.id] ?? 'ca', ...forgery }), forgery.id, text);
  });
});

describe('a certificate that no CA of this cluster signed is not renewed', () => {
  it.each<[string, Forgery, string]>([
    [
      'for an unknown user',
      { id: 'apiserver-kubelet-client', subject: 'CN=mallory', extensions: CLIENT },
      'claims the user mallory',
    ],
    [
      'of the front proxy CA',
      {
        id: 'apiserver-kubelet-client',
        subject: 'CN=front-proxy-client',
        extensions: CLIENT,
        signedBy: 'front-proxy-ca',
      },
      'claims the user front-proxy-client',
    ],
    [
      'with a harmless group that it does not have',
      { id: 'apiserver', subject: 'O=ops\nCN=kube-apiserver', extensions: SERVER },
      'claims the group ops',
    ],
    [
      'with a name that is not of this node',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['subjectAltName=DNS:node01,DNS:www.example.com'] },
      'names DNS:www.example.com',
    ],
    [
      'with an address that is not of this node',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['subjectAltName=DNS:node01,IP:203.0.113.9'] },
      'names IP:203.0.113.9',
    ],
    [
      'with an e-mail address',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['subjectAltName=DNS:node01,email:a@b'] },
      'names email:a@b',
    ],
    [
      'for servers that clients may use',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['extendedKeyUsage=serverAuth,clientAuth'] },
      'allows clientAuth',
    ],
    [
      'that may sign code',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['extendedKeyUsage=serverAuth,codeSigning'] },
      'allows codeSigning',
    ],
    [
      'with an unknown extension',
      { id: 'apiserver', subject: 'CN=kube-apiserver', extensions: ['1.2.3.4=ASN1:UTF8:x'] },
      'an extension that is not known',
    ],
  ])('%s', async (_title, forgery, text) => {
    await expectRefused(await nodeWith(forgery), forgery.id, text);
  });
});

describe('a certificate is renewed', () => {
  it.each<[string, Forgery]>([
    [
      "with kubeadm's name, from any signer",
      {
        id: 'apiserver-kubelet-client',
        subject: 'O=system:masters\nCN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
      },
    ],
    [
      'without a group, as since kubeadm 1.37',
      {
        id: 'apiserver-kubelet-client',
        subject: 'CN=kube-apiserver-kubelet-client',
        extensions: CLIENT,
        signedBy: 'ca',
      },
    ],
    [
      'with the organization of other tools',
      { id: 'apiserver', subject: 'O=Kubernetes\nCN=kubernetes', extensions: [...SERVER.slice(1)], signedBy: 'ca' },
    ],
    [
      'with any organization, by a CA of etcd alone, which gives no rights in the API server',
      {
        id: 'apiserver-etcd-client',
        subject: 'O=Example Inc\nCN=kube-apiserver-etcd-client',
        extensions: CLIENT,
        signedBy: 'etcd/ca',
      },
    ],
    [
      "for servers alone with a company's names",
      {
        id: 'apiserver',
        subject: 'O=Example Inc\nCN=api.example.com',
        extensions: ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:api.example.com'],
        signedBy: 'ca',
      },
    ],
    [
      'of an etcd member named after its node',
      {
        id: 'etcd/peer',
        subject: 'CN=node01',
        extensions: ['extendedKeyUsage=serverAuth,clientAuth', 'subjectAltName=DNS:node01'],
      },
    ],
  ])('%s', async (_title, forgery) => {
    const node = await nodeWith(forgery);
    const inventory = await inspectCertificates({ ...node.input, only: [forgery.id] }, node);
    const [step] = createRenewalSteps({ inventory, options: { all: true } }, { host: node.host, clock });
    expect(await step?.check(signal)).toMatchObject({ status: 'needed' });
  });
});

it('a certificate is never signed again for a key that is not beside it', async () => {
  const node = await kubeadmNode({ algorithm: 'ecdsa', wrongKey: ['apiserver'] });
  const inventory = await inspectCertificates({ ...node.input, only: ['apiserver'] }, node);
  const [step] = createRenewalSteps({ inventory, options: { all: true } }, { host: node.host, clock });
  const change = {
    kind: 'file.replace',
    target: `${PKI}/apiserver.crt`,
    before: 'absent',
    after: 'generated',
    mode: 0o600,
    uid: 0,
    gid: 0,
  };
  await expect(
    step?.apply([change], { perform: async () => undefined, waitingFor: () => undefined }, signal),
  ).rejects.toMatchObject({ code: 'PKI_KEY_MISMATCH' });
});

it('a certificate with a length that is not the shortest is not copied', async () => {
  const node = await kubeadmNode({ algorithm: 'ecdsa' }, (files) => {
    const der = Buffer.from(textIn(files, `${PKI}/apiserver.crt`).replace(/-----.*-----|\s/g, ''), 'base64');
    putFile(files, `${PKI}/apiserver.crt`, encodePem('CERTIFICATE', withLongLength(der)));
  });
  await expectRefused(node, 'apiserver', 'lengths that are not the shortest');
});

/** Writes the length of the common name in two bytes where one is enough, and corrects the lengths around it. */
function withLongLength(der: Buffer): Buffer {
  const grow = (bytes: Buffer): Buffer => {
    const long = (bytes[1] ?? 0) === 0x82;
    const header = long ? 4 : (bytes[1] ?? 0) === 0x81 ? 3 : 2;
    const content = bytes.subarray(header);
    return Buffer.concat([
      bytes.subarray(0, 1),
      Buffer.from([0x82, content.length >> 8, content.length & 0xff]),
      content,
    ]);
  };
  const name = Buffer.from('kube-apiserver');
  const at = der.lastIndexOf(name) - 2;
  const value = der.subarray(at, at + 2 + name.length);
  const attribute = Buffer.concat([der.subarray(at - 5, at), grow(Buffer.from(value))]);
  const wrap = (tag: number, content: Buffer): Buffer => Buffer.concat([Buffer.from([tag, content.length]), content]);
  const subject = wrap(0x30, wrap(0x31, wrap(0x30, attribute)));
  const start = at - 5 - 6;
  const end = at + value.length;
  const sizeOf = (offset: number): number => der.readUInt16BE(offset + 2);
  const added = subject.length - (end - start);
  const result = Buffer.concat([der.subarray(0, start), subject, der.subarray(end)]);
  result.writeUInt16BE(sizeOf(0) + added, 2);
  result.writeUInt16BE(sizeOf(4) + added, 6);
  return result;
}
