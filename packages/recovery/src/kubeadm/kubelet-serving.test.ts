import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Host, hostPath, type HttpAnswer } from '@kube-rescue/host';
import { type Node, openNode } from '@kube-rescue/node';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import {
  buildPki,
  createFakeHost,
  createFakeObjectStore,
  createFixedClock,
  type NodeTree,
  treeOf,
} from '@kube-rescue/testing';
import {
  encodePem,
  encodePrivateKey,
  generateKey,
  issueFromScratch,
  parseCertificate,
  parseCertificates,
  parsePrivateKey,
} from '@kube-rescue/x509';
import { describe, expect, it } from 'vitest';
import { createKubeletServingPhase } from './kubelet-serving.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const CURRENT = '/var/lib/kubelet/pki/kubelet-server-current.pem';
const { signal } = new AbortController();
const pki = await buildPki({ now: NOW, algorithm: 'ecdsa' });

/** A serving certificate of node01 with its key, and the request that asks for one like it. */
async function makeServing(days: number) {
  const [ca] = parseCertificates(pki.pairs.ca.certificate, 'ca.crt');
  const key = await generateKey('ecdsa-p256');
  const { der } = await issueFromScratch({
    subject: { commonName: 'system:node:node01', organizations: ['system:nodes'] },
    names: ['node01', '10.9.0.11'],
    usages: ['server'],
    publicKey: key,
    issuer: { certificate: ca, key: parsePrivateKey(pki.pairs.ca.key, 'ca.key').key, keySource: 'ca.key' },
    validity: { notBefore: new Date(NOW.getTime() - 400 * DAY_MS), notAfter: new Date(NOW.getTime() + days * DAY_MS) },
  });
  const certificate = parseCertificate(der, 'serving');
  return { certificate, pem: encodePem('CERTIFICATE', der) + encodePrivateKey(key, 'EC PRIVATE KEY') };
}

/** A request as the kubelet makes it: a subject and names. */
function makeRequest(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-kubelet-'));
  const argv = [
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    path.join(directory, 'key'),
  ];
  const asked = ['-subj', '/O=system:nodes/CN=system:node:node01', '-addext', 'subjectAltName=DNS:node01,IP:10.9.0.11'];
  const pem = execFileSync('openssl', [...argv, ...asked], { stdio: 'pipe' });
  rmSync(directory, { recursive: true });
  return pem.toString('base64');
}

const request = makeRequest();
const expired = await makeServing(-10);
const fresh = await makeServing(300);

/** node01 with `serverTLSBootstrap`, whose kubelet presents `served` and runs for 100 s. */
function nodeWith(files: Readonly<Record<string, string>>, served = fresh.certificate.x509.fingerprint256) {
  const config = hostPath('/var/lib/kubelet/config.yaml');
  const entry = pki.tree.get(config);
  if (entry?.kind !== 'file') throw new Error('no configuration of the kubelet');
  const bytes = Buffer.concat([entry.bytes, Buffer.from('serverTLSBootstrap: true\n')]);
  const tree = new Map([
    ...pki.tree,
    [config, { ...entry, bytes }] as const,
    ...treeOf({ '/proc/uptime': '1000.00 1.00\n', ...files }),
  ]) as Map<never, never> as NodeTree;
  const asked: string[] = [];
  const answer = (url: string): HttpAnswer => {
    asked.push(url);
    const peer = { serialNumber: '', fingerprint256: served, validTo: NOW, trusted: true, reason: undefined };
    return { status: 200, body: 'ok', peer };
  };
  const host: Host = createFakeHost({
    tree,
    processes: () => [
      {
        pid: 9,
        argv: [
          '/usr/bin/kubelet',
          '--config=/var/lib/kubelet/config.yaml',
          '--kubeconfig=/etc/kubernetes/kubelet.conf',
        ],
        startTicks: 90_000,
        cgroup: '0::/\n',
      },
    ],
    request: (probe) => answer(probe.url),
  });
  const store = createFakeObjectStore();
  store.plant(RESOURCE_KINDS.Node, {
    metadata: { name: 'node01' },
    status: {
      addresses: [
        { type: 'Hostname', address: 'node01' },
        { type: 'InternalIP', address: '10.9.0.11' },
      ],
    },
  });
  const opened = openNode(
    { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' },
    { host, clock: createFixedClock(NOW) },
  );
  const access = { source: { via: 'api' as const, search: null }, open: async () => store };
  const node: Node = { ...opened, objects: { ...opened.objects, access: () => access } };
  const plant = (name: string, spec: object = {}): void =>
    void store.plant(RESOURCE_KINDS.CertificateSigningRequest, {
      metadata: { name },
      spec: {
        request,
        signerName: 'kubernetes.io/kubelet-serving',
        usages: ['digital signature', 'server auth'],
        username: 'system:node:node01',
        groups: ['system:nodes', 'system:authenticated'],
        ...spec,
      },
    });
  const steps = async () => {
    const [requested, approved] = await createKubeletServingPhase(node, ['control-plane/api-stable']).steps(signal);
    if (requested === undefined || approved === undefined) throw new Error('two steps');
    return { requested, approved };
  };
  return { steps, plant, asked };
}

describe('the serving certificate that the kubelet requests', () => {
  it('is left alone while it is good, and where the kubelet requests none', async () => {
    const good = nodeWith({ [CURRENT]: fresh.pem });
    good.plant('csr-1');
    const { requested, approved } = await good.steps();
    expect([(await requested.check(signal)).status, (await approved.check(signal)).status]).toEqual(['ok', 'ok']);
  });

  // https://github.com/devantler-tech/ksail/issues/4322 (2026), https://github.com/berops/claudie/issues/1920 (2025)
  it.each([
    ['has expired', { [CURRENT]: expired.pem }],
    ['is missing', {}],
  ])('is approved when it %s and its request is pending', async (_, files) => {
    const { steps, plant } = nodeWith(files);
    plant('csr-1');
    plant('csr-of-another', { username: 'system:node:node02' });
    const { requested, approved } = await steps();
    expect(await requested.check(signal)).toMatchObject({ status: 'ok', evidence: ['the kubelet waits for csr-1'] });
    const finding = await approved.check(signal);
    expect(finding).toMatchObject({ status: 'needed', summary: 'csr-1 waits for approval' });
    expect(approved.plan(finding)).toMatchObject([{ kind: 'object.replace', edits: ['status.conditions: Approved'] }]);
  });

  // https://github.com/kubernetes/kubernetes/issues/130001 (v1.32)
  it('is waited for, and its lack is named with what a kubelet needs for a request', async () => {
    const { requested } = await nodeWith({ [CURRENT]: expired.pem }).steps();
    expect(await requested.check(signal)).toMatchObject({ status: 'needed' });
    expect(await requested.verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('the kubelet has not requested its serving certificate') as string,
      hint: expect.stringContaining('once its Node has an IP address') as string,
    });
  });

  it('is verified when the kubelet presents the certificate on disk, and not before', async () => {
    const served = nodeWith({ [CURRENT]: fresh.pem });
    const { approved } = await served.steps();
    expect(await approved.verify(signal)).toMatchObject({ verified: true });
    expect(served.asked).toEqual(['https://127.0.0.1:10250/healthz']);
    const other = await nodeWith({ [CURRENT]: fresh.pem }, expired.certificate.x509.fingerprint256).steps();
    expect(await other.approved.verify(signal)).toMatchObject({
      verified: false,
      reason: `the kubelet presents another certificate than ${CURRENT}`,
    });
    const old = await nodeWith({ [CURRENT]: expired.pem }, expired.certificate.x509.fingerprint256).steps();
    expect(await old.approved.verify(signal)).toMatchObject({
      verified: false,
      reason: expect.stringContaining('the kubelet has no new certificate') as string,
    });
  });
});
