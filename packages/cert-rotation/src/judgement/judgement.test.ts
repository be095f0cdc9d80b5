import { hostPath } from '@kube-rescue/host';
import type { PkiOptions } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { judgeCa } from './ca-judgement.ts';
import type { CertificateId } from '../inventory/catalogue.ts';
import { inspectCertificates } from '../inventory/inventory.ts';
import { judgeCertificate } from './judgement.ts';
import { openOpenSsl } from '../../../x509/src/openssl.fixture.ts';
import { embedKubeletCertificate, kubeadmNode, NOW, putFile } from '../kubeadm-node.fixture.ts';

type NodeArguments = Parameters<typeof kubeadmNode>;

async function problemsOf(id: CertificateId, ...[options, edit, changes]: NodeArguments) {
  const { host, input } = await kubeadmNode({ algorithm: 'ecdsa', ...options }, edit, changes);
  const inventory = await inspectCertificates(input, { host });
  const entry = inventory.certificates.find((each) => each.id === id);
  if (entry === undefined) throw new Error(`no ${id}`);
  return judgeCertificate(entry, inventory, { now: NOW });
}

const path = (name: string): string => `/etc/kubernetes/pki/${name}`;

describe('a certificate', () => {
  it.each<[string, CertificateId, PkiOptions, string]>([
    ['that has expired', 'apiserver', { expired: ['apiserver'] }, 'PKI_CERTIFICATE_EXPIRED'],
    ['in a kubeconfig that has expired', 'admin.conf', { expired: ['admin.conf'] }, 'PKI_CERTIFICATE_EXPIRED'],
    ['of the kubelet that has expired', 'kubelet-client', { expired: ['kubelet-client'] }, 'PKI_CERTIFICATE_EXPIRED'],
    ['that is not valid yet', 'etcd/peer', { notYetValid: ['etcd/peer'] }, 'PKI_CERTIFICATE_NOT_YET_VALID'],
    ['with the key of another', 'front-proxy-client', { wrongKey: ['front-proxy-client'] }, 'PKI_KEY_MISMATCH'],
    ['in a kubeconfig with the key of another', 'scheduler.conf', { wrongKey: ['scheduler.conf'] }, 'PKI_KEY_MISMATCH'],
  ])('%s has that problem and no other', async (_title, id, options, code) => {
    expect(await problemsOf(id, options)).toMatchObject([{ code, severity: 'problem', hint: expect.any(String) }]);
    expect(await problemsOf('etcd/server', options)).toEqual([]);
  });

  it('that expires soon is reported, but is no problem', async () => {
    const { host, input } = await kubeadmNode({ algorithm: 'ecdsa' });
    const inventory = await inspectCertificates({ ...input, only: ['apiserver'] }, { host });
    const [entry] = inventory.certificates;
    if (entry === undefined) throw new Error('no entry');
    const at = (days: number) => judgeCertificate(entry, inventory, { now: NOW, expiringWithinDays: days });
    expect(at(183)).toMatchObject([{ code: 'PKI_CERTIFICATE_EXPIRES_SOON', severity: 'warning' }]);
    expect(at(182)).toEqual([]);
  });

  it.each<[string, (files: Parameters<NonNullable<NodeArguments[1]>>[0]) => void, string]>([
    [
      'truncated',
      (files) => putFile(files, path('apiserver.crt'), '-----BEGIN CERTIFICATE-----\nMIIB'),
      'PKI_CERTIFICATE_LOST',
    ],
    ['empty', (files) => putFile(files, path('apiserver.crt'), ''), 'PKI_CERTIFICATE_LOST'],
    ['missing', (files) => files.delete(hostPath(path('apiserver.crt'))), 'PKI_CERTIFICATE_LOST'],
    ['not PEM', (files) => putFile(files, path('apiserver.crt'), 'to be done'), 'PKI_PEM_INVALID'],
    ['without its key', (files) => files.delete(hostPath(path('apiserver.key'))), 'PKI_KEY_MISSING'],
  ])('that is %s is reported as such', async (_title, edit, code) => {
    const problems = await problemsOf('apiserver', {}, edit);
    expect(problems).toMatchObject([
      { code, subject: expect.stringContaining('apiserver.'), hint: expect.any(String) },
    ]);
  });

  it('in a damaged kubeconfig is reported as damaged', async () => {
    const problems = await problemsOf('controller-manager.conf', {}, (files) =>
      putFile(files, '/etc/kubernetes/controller-manager.conf', 'users: ['),
    );
    expect(problems).toMatchObject([{ code: 'PKI_KUBECONFIG_INVALID', fixedBy: 'operator' }]);
  });

  it('of a kubelet without kubelet.conf is reported as missing', async () => {
    const problems = await problemsOf('kubelet-client', {}, (files) => {
      files.delete(hostPath('/etc/kubernetes/kubelet.conf'));
    });
    expect(problems).toMatchObject([{ code: 'PKI_CERTIFICATE_LOST', subject: '/etc/kubernetes/kubelet.conf' }]);
  });

  it('that another CA signed breaks the chain', async () => {
    const other = await kubeadmNode({ algorithm: 'ecdsa' });
    const problems = await problemsOf('etcd/server', {}, (files) => {
      putFile(files, path('etcd/server.crt'), other.pki.pairs['etcd/server'].certificate);
      putFile(files, path('etcd/server.key'), other.pki.pairs['etcd/server'].key);
    });
    expect(problems).toMatchObject([
      { code: 'PKI_CHAIN_BROKEN', message: expect.stringContaining('names another key') },
    ]);
  });

  it.each([
    ['/O=system:masters/CN=mallory', 'basicConstraints=CA:FALSE', 'PKI_CHAIN_BROKEN', 'the group system:masters'],
    ['/CN=system:kube-scheduler', 'basicConstraints=CA:FALSE', 'PKI_CHAIN_BROKEN', 'the user system:kube-scheduler'],
    ['/CN=kube-apiserver', 'basicConstraints=critical,CA:TRUE', 'PKI_CERTIFICATE_INVALID', 'can sign certificates'],
    ['/CN=kube-apiserver', 'keyUsage=critical,keyCertSign', 'PKI_CERTIFICATE_INVALID', 'can sign certificates'],
  ])('that no CA of the cluster signed is never renewed as %s with %s', async (subject, extension, code, text) => {
    using openssl = openOpenSsl();
    openssl.run('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out forged.key');
    openssl.run(`req -x509 -new -key forged.key -out forged.crt -days 1 -subj ${subject} -addext ${extension}`);
    const problems = await problemsOf('apiserver', {}, (files) => {
      putFile(files, path('apiserver.crt'), openssl.read('forged.crt'));
      putFile(files, path('apiserver.key'), openssl.read('forged.key'));
    });
    expect(problems).toContainEqual(
      expect.objectContaining({ code, message: expect.stringContaining(text), fixedBy: 'operator' }),
    );
  });

  it('that the CA of another purpose signed breaks the chain', async () => {
    const problems = await problemsOf('front-proxy-client', {}, (files, { pairs }) => {
      putFile(files, path('front-proxy-client.crt'), pairs['apiserver-etcd-client'].certificate);
      putFile(files, path('front-proxy-client.key'), pairs['apiserver-etcd-client'].key);
    });
    expect(problems).toMatchObject([{ code: 'PKI_CHAIN_BROKEN', message: expect.stringContaining('another name') }]);
  });

  it.each<[CertificateId, NodeArguments[2], string]>([
    ['apiserver', { 'kube-apiserver': { 'advertise-address': '10.9.0.99' } }, '10.9.0.99'],
    ['apiserver', { 'kube-apiserver': { 'service-cluster-ip-range': '10.200.0.0/16' } }, '10.200.0.1'],
    ['etcd/server', { etcd: { 'advertise-client-urls': 'https://10.9.0.98:2379' } }, '10.9.0.98'],
    ['etcd/peer', { etcd: { 'initial-advertise-peer-urls': 'https://etcd.example:2380' } }, 'etcd.example'],
  ])('%s that does not name an address it is served on lacks that name', async (id, changes, name) => {
    expect(await problemsOf(id, {}, undefined, changes)).toMatchObject([
      { code: 'PKI_NAME_MISSING', message: `does not name ${name}, an address it is served on` },
    ]);
  });

  it('for clients that is used as a server lacks that usage', async () => {
    const flags = {
      'tls-cert-file': path('apiserver-kubelet-client.crt'),
      'tls-private-key-file': path('apiserver-kubelet-client.key'),
    };
    const problems = await problemsOf('apiserver', {}, undefined, { 'kube-apiserver': flags });
    expect(problems.map(({ code }) => code)).toEqual(['PKI_NAME_MISSING', 'PKI_USAGE_MISSING']);
  });

  it('of the kubelet that has expired in kubelet.conf alone is a problem: the kubelet would not start', async () => {
    const stale = await kubeadmNode({ algorithm: 'ecdsa', expired: ['kubelet-client'] });
    const problems = await problemsOf('kubelet-client', {}, (files) => embedKubeletCertificate(files, stale.pki));
    expect(problems).toMatchObject([{ code: 'PKI_CERTIFICATE_EXPIRED', subject: '/etc/kubernetes/kubelet.conf' }]);
  });
});

describe('a CA', () => {
  const judged = async (now: Date, ...[options, edit]: NodeArguments) => {
    const { host, input } = await kubeadmNode({ algorithm: 'ecdsa', ...options }, edit);
    const { cas } = await inspectCertificates({ ...input, only: ['apiserver'] }, { host });
    return cas.flatMap((ca) => judgeCa(ca, now));
  };

  it('that has expired is a problem', async () => {
    expect(await judged(NOW, { expired: ['ca'] })).toMatchObject([{ code: 'PKI_CA_EXPIRED', severity: 'problem' }]);
  });

  it('that is not valid yet is a problem of the clock', async () => {
    const [problem] = await judged(new Date('2009-01-01T00:00:00Z'));
    expect(problem).toMatchObject({ code: 'PKI_CLOCK_BEFORE_CA', severity: 'problem' });
    expect(problem?.message).toMatch(/but this machine's clock shows 2009-01-01 00:00:00 UTC$/);
  });

  it.each<[string, NodeArguments[1], string, string]>([
    [
      'with the key of another',
      (files, { pairs }) => putFile(files, path('ca.key'), pairs.apiserver.key),
      'PKI_CA_KEY_MISMATCH',
      'warning',
    ],
    ['with a key that is damaged', (files) => putFile(files, path('ca.key'), 'x'), 'PKI_PEM_INVALID', 'warning'],
    ['that is missing', (files) => files.delete(hostPath(path('ca.crt'))) as never, 'PKI_CA_MISSING', 'problem'],
    ['that is damaged', (files) => putFile(files, path('ca.crt'), 'x'), 'PKI_PEM_INVALID', 'problem'],
  ])('%s is reported as such', async (_title, edit, code, severity) => {
    expect(await judged(NOW, {}, edit)).toMatchObject([
      { code, severity, subject: expect.stringContaining('/pki/ca.') },
    ]);
  });

  it('that is no CA certificate is a problem', async () => {
    const problems = await judged(NOW, {}, (files, { pairs }) => {
      putFile(files, path('ca.crt'), pairs.apiserver.certificate);
      putFile(files, path('ca.key'), pairs.apiserver.key);
    });
    expect(problems).toMatchObject([{ code: 'PKI_CA_INVALID', severity: 'problem' }]);
  });
});
