import { hostPath } from '@kube-rescue/host';
import { CA_NAMES, expectCode, LEAF_NAMES } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { CertificateId } from './catalogue.ts';
import { inspectCertificates } from './inventory.ts';
import {
  embedKubeletCertificate,
  kubeadmComponents,
  kubeadmNode,
  NOW,
  putFile,
  textIn,
} from '../kubeadm-node.fixture.ts';
import { reportCertificates } from '../judgement/report.ts';

const CA_ROWS = ['ca/cluster', 'ca/etcd', 'ca/front-proxy'];

describe('a healthy kubeadm node', () => {
  it.each(['rsa', 'ecdsa'] as const)('shows every certificate and CA without a problem (%s)', async (algorithm) => {
    const { host, input } = await kubeadmNode({ algorithm, kubeletAlgorithm: 'ecdsa' });
    const inventory = await inspectCertificates(input, { host });
    const rows = reportCertificates(inventory, { now: NOW });
    expect(rows.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(rows.map(({ id }) => id).toSorted()).toEqual([...LEAF_NAMES, ...CA_ROWS].toSorted());
    expect(inventory.absent).toEqual([
      { id: 'super-admin.conf', reason: 'no /etc/kubernetes/super-admin.conf' },
      { id: 'kubelet-serving', reason: 'no /var/lib/kubelet/pki/kubelet.crt' },
    ]);
  });

  it('is reported as plain data without key material', async () => {
    const { host, input, pki } = await kubeadmNode();
    const rows = reportCertificates(await inspectCertificates(input, { host }), { now: NOW });
    const json = JSON.stringify(rows);
    expect(JSON.parse(json)).toEqual(rows);
    for (const key of pki.privateKeys) expect(json).not.toContain(key.split('\n')[1]);
    expect(rows.find(({ id }) => id === 'apiserver-kubelet-client')).toEqual({
      id: 'apiserver-kubelet-client',
      kind: 'file',
      name: 'API server client certificate for the kubelet',
      path: '/etc/kubernetes/pki/apiserver-kubelet-client.crt',
      subject: 'O=system:masters, CN=kube-apiserver-kubelet-client',
      issuer: 'ca/cluster',
      notBefore: '2025-08-31T00:00:00Z',
      notAfter: '2026-08-31T00:00:00Z',
      daysLeft: 182,
      keyAlgorithm: 'RSA 2048',
      problems: [],
      status: 'ok',
    });
  });

  it('never puts key material into the inventory as text', async () => {
    const { host, input, pki } = await kubeadmNode();
    const json = JSON.stringify(await inspectCertificates(input, { host }));
    for (const key of pki.privateKeys) expect(json).not.toContain(key.split('\n')[1]);
  });
});

describe('the locations of certificates', () => {
  it('follow the flags into another directory', async () => {
    const certificatesDir = hostPath('/srv/pki');
    const { host, input } = await kubeadmNode({ certificatesDir });
    const { certificates, cas } = await inspectCertificates(input, { host });
    const files = certificates.filter(({ definition }) => definition.location.in === 'files');
    expect(files).toHaveLength(7);
    expect([...files.map((entry) => entry.certificateLocation.path), ...cas.map(({ path }) => path)]).toSatisfy(
      (paths: readonly string[]) => paths.every((path) => path.startsWith('/srv/pki/')),
    );
    expect(cas.map(({ issuer }) => (issuer.ok ? issuer.value.keyPath : issuer.error.code))).toEqual(
      ['ca', 'etcd/ca', 'front-proxy-ca'].map((name) => `/srv/pki/${name}.key`),
    );
  });

  it('can be files that a kubeconfig names, one for both certificate and key', async () => {
    const { host, input } = await kubeadmNode({}, (files, { pairs }) => {
      const { certificate, key } = pairs['scheduler.conf'];
      const conf = textIn(files, '/etc/kubernetes/scheduler.conf')
        .replace(/client-certificate-data: .*/, 'client-certificate: pki/scheduler.pem')
        .replace(/client-key-data: .*/, 'client-key: pki/scheduler.pem');
      putFile(files, '/etc/kubernetes/scheduler.conf', conf);
      putFile(files, '/etc/kubernetes/pki/scheduler.pem', key + certificate);
    });
    const { certificates } = await inspectCertificates({ ...input, only: ['scheduler.conf'] }, { host });
    const location = { in: 'file', path: '/etc/kubernetes/pki/scheduler.pem' };
    expect(certificates).toMatchObject([
      { certificateLocation: location, keyLocation: location, certificate: { ok: true }, key: { ok: true } },
    ]);
  });

  it('of the kubelet are its store, with what kubelet.conf embeds beside it', async () => {
    const { host, input } = await kubeadmNode({}, embedKubeletCertificate);
    const { certificates } = await inspectCertificates({ ...input, only: ['kubelet-client'] }, { host });
    expect(certificates).toMatchObject([
      {
        certificateLocation: { in: 'file', path: '/var/lib/kubelet/pki/kubelet-client-current.pem' },
        store: { directory: '/var/lib/kubelet/pki', embedded: { kubeconfig: '/etc/kubernetes/kubelet.conf' } },
      },
    ]);
  });

  it('of the kubelet are kubelet.conf alone while its store is empty', async () => {
    const { host, input } = await kubeadmNode({}, (files, pki) => {
      embedKubeletCertificate(files, pki);
      files.delete(hostPath('/var/lib/kubelet/pki/kubelet-client-current.pem'));
    });
    const { certificates } = await inspectCertificates({ ...input, only: ['kubelet-client'] }, { host });
    expect(certificates).toMatchObject([{ certificateLocation: { in: 'kubeconfig' }, store: undefined }]);
  });

  it('that two flags share are one entry with the requirements of both', async () => {
    const flags = {
      'kubelet-client-certificate': '/etc/kubernetes/pki/apiserver.crt',
      'kubelet-client-key': '/etc/kubernetes/pki/apiserver.key',
    };
    const { host, input } = await kubeadmNode({}, undefined, { 'kube-apiserver': flags });
    const { certificates } = await inspectCertificates(input, { host });
    const [shared] = certificates.filter(({ id }) => id.startsWith('apiserver') && id !== 'apiserver-etcd-client');
    expect(shared).toMatchObject({
      id: 'apiserver',
      alsoServesAs: ['apiserver-kubelet-client'],
      usages: ['server', 'client'],
      names: expect.arrayContaining(['10.9.0.11']),
    });
    expect(certificates).toHaveLength(LEAF_NAMES.length - 1);
  });

  it('of a component that is not on the node are absent, with the reason', async () => {
    const { host, input } = await kubeadmNode({}, undefined, { etcd: undefined });
    const { certificates, absent } = await inspectCertificates(input, { host });
    expect(certificates.filter(({ id }) => id.startsWith('etcd/'))).toEqual([]);
    expect(absent).toContainEqual({ id: 'etcd/server', reason: 'no etcd on this node' });
    expect(certificates.find(({ id }) => id === 'apiserver-etcd-client')?.ca).toBe('etcd');
  });

  it('without a client certificate are absent, with the reason', async () => {
    const { host, input } = await kubeadmNode({}, (files) => {
      const conf = textIn(files, '/etc/kubernetes/scheduler.conf').replace(
        /client-certificate-data: .*\n.*/,
        'token: x',
      );
      putFile(files, '/etc/kubernetes/scheduler.conf', conf);
    });
    expect((await inspectCertificates({ ...input, only: ['scheduler.conf'] }, { host })).absent).toEqual([
      {
        id: 'scheduler.conf',
        reason: '/etc/kubernetes/scheduler.conf has no client certificate; its user has a token',
      },
    ]);
  });
});

describe('a CA', () => {
  it('signs with the certificate of its bundle that its key belongs to', async () => {
    const other = await kubeadmNode({ algorithm: 'ecdsa' });
    const { host, input, pki } = await kubeadmNode({ algorithm: 'ecdsa' }, (files, { pairs }) => {
      putFile(files, '/etc/kubernetes/pki/ca.crt', other.pki.pairs.ca.certificate + pairs.ca.certificate);
    });
    const inventory = await inspectCertificates(input, { host });
    const cluster = inventory.cas.find(({ id }) => id === 'cluster');
    expect(cluster?.bundle.ok && cluster.bundle.value).toHaveLength(2);
    expect(cluster?.issuer.ok && cluster.issuer.value.certificate.x509.toString()).toBe(pki.pairs.ca.certificate);
    expect(reportCertificates(inventory, { now: NOW }).filter(({ status }) => status !== 'ok')).toEqual([]);
  });

  it.each(CA_NAMES)('without its key is reported, and its leaves are still ok (%s)', async (name) => {
    const { host, input } = await kubeadmNode({ missingCaKeys: [name] });
    const rows = reportCertificates(await inspectCertificates(input, { host }), { now: NOW });
    const wrong = rows.filter(({ status }) => status !== 'ok');
    expect(wrong).toMatchObject([
      {
        kind: 'ca',
        path: `/etc/kubernetes/pki/${name}.crt`,
        status: 'warning',
        problems: [{ code: 'PKI_CA_KEY_MISSING' }],
      },
    ]);
    expect(wrong[0]?.problems[0]?.hint).toContain(`/etc/kubernetes/pki/${name}.key`);
  });
});

describe('looking for certificates', () => {
  it('refuses names that are not in the catalogue', async () => {
    const { host, input } = await kubeadmNode();
    const only = ['apiserver', 'api-server'] as CertificateId[];
    const error = await expectCode(inspectCertificates({ ...input, only }, { host }), 'PKI_CERTIFICATE_UNKNOWN');
    expect(error.subject).toBe('api-server');
  });

  it('continues after an unreadable file, and does not report it as ok', async () => {
    const { host, input } = await kubeadmNode();
    const components = kubeadmComponents({ etcd: { 'cert-file': '/etc/kubernetes/pki' } });
    const inventory = await inspectCertificates({ ...input, components }, { host });
    const rows = reportCertificates(inventory, { now: NOW });
    expect(rows.filter(({ status }) => status === 'problem')).toMatchObject([
      { id: 'etcd/server', subject: null, notAfter: null, problems: [{ code: 'HOST_NOT_A_REGULAR_FILE' }] },
    ]);
  });
});
