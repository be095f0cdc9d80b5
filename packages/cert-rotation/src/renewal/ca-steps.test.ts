import { hostPath } from '@kube-rescue/host';
import {
  CA_NAMES,
  createFakeHost,
  createFixedClock,
  expectCode,
  issueCertificate,
  type PkiOptions,
} from '@kube-rescue/testing';
import { parseCertificate } from '@kube-rescue/x509';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ReissueOptions } from './ca-plans.ts';
import { createReissueSteps } from './ca-steps.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { directJournal, kubeadmNode, type Node, NOW, putFile, textAt, textIn } from '../kubeadm-node.fixture.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { createRenewalSteps } from './renewal-steps.ts';
import { reportCertificates } from '../judgement/report.ts';

const { signal } = new AbortController();
const clock = createFixedClock(NOW);
const PKI = '/etc/kubernetes/pki';

async function stepsOf({ host, input }: Pick<Node, 'host' | 'input'>, options: ReissueOptions = {}) {
  const inventory = await inspectCertificates(input, { host });
  const reissued = inventory.cas.map(({ id }) => id);
  return [
    ...createReissueSteps({ inventory, options }, { host, clock }),
    ...createRenewalSteps({ inventory, reissued }, { host, clock }),
  ];
}

/** Applies the steps that are needed, in order, and returns their ids. */
async function fix(node: Node, options: ReissueOptions = {}) {
  const made: string[] = [];
  for (const step of await stepsOf(node, options)) {
    const finding = await step.check(signal);
    if (finding.status === 'ok') continue;
    expect(finding).toMatchObject({ status: 'needed' });
    await step.apply((step.plan as (seen: unknown) => never)(finding), directJournal(node.host), signal);
    expect(await step.verify(signal)).toMatchObject({ verified: true });
    made.push(step.id);
  }
  return made;
}

const findingOf = async (node: Node, id: string, options: ReissueOptions = {}) =>
  (await stepsOf(node, options)).find((step) => step.id === id)?.check(signal);

const embedded = (kubeconfig: string): string =>
  Buffer.from(/certificate-authority-data: (\S+)/.exec(kubeconfig)?.[1] ?? '', 'base64').toString();

describe('an expired CA whose key is on the node', () => {
  it.each(['rsa', 'ecdsa'] as const)('is reissued with the same key, name and identifiers (%s)', async (algorithm) => {
    const node = await kubeadmNode({ algorithm, expired: CA_NAMES });
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca', 'pki/reissue/etcd-ca', 'pki/reissue/front-proxy-ca']);
    using openssl = openOpenSsl();
    for (const name of CA_NAMES) {
      openssl.write('old.crt', textIn(node.tree, `${PKI}/${name}.crt`));
      openssl.write('new.crt', await textAt(node.host, `${PKI}/${name}.crt`));
      const same = '-noout -subject -issuer -pubkey -ext subjectKeyIdentifier,keyUsage,basicConstraints';
      expect(openssl.run(`x509 -in new.crt ${same}`)).toBe(openssl.run(`x509 -in old.crt ${same}`));
      const serials = ['new', 'old'].map((each) => openssl.run(`x509 -in ${each}.crt -noout -serial`));
      expect(new Set(serials).size).toBe(2);
      const [old, renewed] = ['old.crt', 'new.crt'].map((file) =>
        parseCertificate(new X509Certificate(openssl.read(file)).raw, file),
      );
      expect(renewed?.extensions.map(({ der }) => Buffer.from(der).toString('hex'))).toEqual(
        old?.extensions.map(({ der }) => Buffer.from(der).toString('hex')),
      );
      expect(renewed?.notAfter).toEqual(new Date(NOW.getTime() + 3650 * 24 * 60 * 60 * 1000));
      expect(await textAt(node.host, `${PKI}/${name}.key`)).toBe(textIn(node.tree, `${PKI}/${name}.key`));
    }
    // OpenSSL's strictest rules still accept earlier certificates.
    const time = `-attime ${NOW.getTime() / 1000}`;
    for (const [leaf, ca] of Object.entries({
      apiserver: 'ca',
      'etcd/peer': 'etcd/ca',
      'front-proxy-client': 'front-proxy-ca',
    })) {
      openssl.write('leaf.crt', await textAt(node.host, `${PKI}/${leaf}.crt`));
      openssl.write('ca.crt', await textAt(node.host, `${PKI}/${ca}.crt`));
      expect(await textAt(node.host, `${PKI}/${leaf}.crt`)).toBe(textIn(node.tree, `${PKI}/${leaf}.crt`));
      expect(openssl.run(`verify -x509_strict ${time} -CAfile ca.crt leaf.crt`)).toContain('OK');
    }
  });

  it('also renews its expired leaves in the same run, with dates past those of the old CA', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca', 'apiserver', 'admin.conf'] });
    expect(await findingOf(node, 'pki/renew/apiserver')).toMatchObject({
      status: 'blocked',
      waitsFor: ['pki/reissue/cluster-ca'],
    });
    expect(await fix(node)).toEqual(['pki/reissue/cluster-ca', 'pki/renew/apiserver', 'kubeconfig/renew/admin.conf']);
    const rows = reportCertificates(await inspectCertificates(node.input, { host: node.host }), { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rows.find(({ id }) => id === 'apiserver')?.daysLeft).toBe(365);
  });

  it('is replaced in every kubeconfig, byte for byte, and a bundle stays a bundle', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca'], caBundle: true });
    await fix(node);
    const current = await textAt(node.host, `${PKI}/ca.crt`);
    for (const name of ['admin.conf', 'scheduler.conf', 'controller-manager.conf', 'kubelet.conf']) {
      const [old, now] = [
        textIn(node.tree, `/etc/kubernetes/${name}`),
        await textAt(node.host, `/etc/kubernetes/${name}`),
      ];
      const mask = (text: string): string => text.replace(/certificate-authority-data: .*/, '');
      expect(mask(now)).toBe(mask(old));
      const foreign = embedded(old).slice(0, embedded(old).indexOf('-----END') + 26);
      expect(embedded(now)).toBe(foreign + current);
    }
  });

  it('is replaced in files that flags and kubeconfigs name, between comments and other line breaks', async () => {
    const node = await kubeadmNode(
      { algorithm: 'ecdsa', expired: ['ca'] },
      (files, { pairs }) => {
        const bundle = `# ours\n${pairs['etcd/ca'].certificate}${pairs.ca.certificate}# the end`.replaceAll(
          '\n',
          '\r\n',
        );
        putFile(files, '/etc/kubernetes/trusted.pem', bundle, 0o644);
        const conf = textIn(files, '/etc/kubernetes/scheduler.conf');
        const named = conf.replace(/certificate-authority-data: .*/, 'certificate-authority: trusted.pem');
        putFile(files, '/etc/kubernetes/scheduler.conf', named);
      },
      { 'kube-controller-manager': { 'root-ca-file': '/etc/kubernetes/trusted.pem' } },
    );
    const finding = await findingOf(node, 'pki/reissue/cluster-ca');
    expect(finding?.evidence).toContain('trusted in /etc/kubernetes/trusted.pem');
    await fix(node);
    const [old, now] = [
      textIn(node.tree, '/etc/kubernetes/trusted.pem'),
      await textAt(node.host, '/etc/kubernetes/trusted.pem'),
    ];
    const ca = await textAt(node.host, `${PKI}/ca.crt`);
    expect(now).toBe(old.replace(node.pki.pairs.ca.certificate.replaceAll('\n', '\r\n'), ca.replaceAll('\n', '\r\n')));
    expect(await textAt(node.host, '/etc/kubernetes/scheduler.conf')).toBe(
      textIn(node.tree, '/etc/kubernetes/scheduler.conf'),
    );
  });

  it('that the operator replaced is put into the kubeconfigs that still hold the old one, without its key', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['ca'] });
    await fix(node);
    const reissued = await textAt(node.host, `${PKI}/ca.crt`);
    const files = new Map(node.tree);
    putFile(files, `${PKI}/ca.crt`, reissued, 0o644);
    files.delete(hostPath(`${PKI}/ca.key`));
    const forgotten: Node = { ...node, tree: files, host: createFakeHost({ tree: files }) };
    expect(await fix(forgotten)).toEqual(['pki/reissue/cluster-ca']);
    expect(await textAt(forgotten.host, `${PKI}/ca.crt`)).toBe(reissued);
    expect(embedded(await textAt(forgotten.host, '/etc/kubernetes/admin.conf'))).toBe(reissued);
  });

  it('stays as it is until it expires, unless --force names it; then it gets the requested lifetime', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    expect(await fix(node)).toEqual([]);
    expect(await fix(node, { force: ['etcd'], caDays: 100 })).toEqual(['pki/reissue/etcd-ca']);
    const { notAfter } = parseCertificate(new X509Certificate(await textAt(node.host, `${PKI}/etcd/ca.crt`)).raw, 'x');
    expect(notAfter).toEqual(new Date(NOW.getTime() + 100 * 24 * 60 * 60 * 1000));
  });

  it('also renews leaves whose authority key identifier has its old serial number', async () => {
    using openssl = openOpenSsl();
    const node = await kubeadmNode({ algorithm: 'ecdsa', expired: ['etcd/ca'] }, (files, { pairs }) => {
      openssl.write('ca.crt', pairs['etcd/ca'].certificate);
      openssl.write('ca.key', pairs['etcd/ca'].key);
      openssl.write('leaf.key', pairs['apiserver-etcd-client'].key);
      openssl.write('ext', 'authorityKeyIdentifier=keyid,issuer:always\nextendedKeyUsage=clientAuth\n');
      openssl.run('req -new -key leaf.key -subj /CN=x -out leaf.csr');
      openssl.run(
        'x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -days 4000 -set_serial 7 -extfile ext -out leaf.crt',
      );
      putFile(files, `${PKI}/apiserver-etcd-client.crt`, openssl.read('leaf.crt'));
    });
    expect(await fix(node)).toEqual(['pki/reissue/etcd-ca', 'pki/renew/apiserver-etcd-client']);
  });
});

describe('a CA that cannot be reissued', () => {
  it('is refused by name when this node does not have it', async () => {
    const node = await kubeadmNode({ algorithm: 'ecdsa' });
    await expectCode(stepsOf(node, { force: ['etcd-peer'] }), 'PKI_CERTIFICATE_UNKNOWN');
  });

  const blocked = async (options: PkiOptions, edit?: Parameters<typeof kubeadmNode>[1]) =>
    findingOf(await kubeadmNode({ algorithm: 'ecdsa', ...options }, edit), 'pki/reissue/cluster-ca');

  it('is blocked without its key, and says where to put it', async () => {
    const finding = await blocked({ expired: ['ca'], missingCaKeys: ['ca'] });
    expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_CA_EXPIRED', subject: `${PKI}/ca.crt` });
    expect(finding?.hint).toContain(`${PKI}/ca.key`);
  });

  it('is blocked with the key of another CA', async () => {
    const finding = await blocked({ expired: ['ca'] }, (files, { pairs }) =>
      putFile(files, `${PKI}/ca.key`, pairs.apiserver.key),
    );
    expect(finding).toMatchObject({ status: 'blocked', code: 'PKI_CA_EXPIRED' });
    expect(finding?.summary).toContain('key does not belong to the certificate');
  });

  it('is blocked when another CA signed it', async () => {
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];
    const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2025-01-01T00:00:00Z') };
    const finding = await blocked({}, async (files, { pairs }) => {
      const { key } = pairs.ca;
      const issuer = pairs['etcd/ca'];
      const signed = await issueCertificate({ subject: '/CN=kubernetes', extensions, key, issuer, ...validity });
      putFile(files, `${PKI}/ca.crt`, signed);
    });
    expect(finding).toMatchObject({ status: 'blocked', summary: expect.stringContaining('another CA') });
  });

  it("is blocked when this machine's clock is before its notBefore", async () => {
    expect(await blocked({ notYetValid: ['ca'] })).toMatchObject({ status: 'blocked', code: 'PKI_CLOCK_BEFORE_CA' });
  });
});
