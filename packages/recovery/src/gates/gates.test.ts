import { type Host, hostPath, type HttpAnswer, type HttpProbe, type ProcessInfo } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, type Pki, treeOf } from '@kube-rescue/testing';
import type { Finding, Step } from '@kube-rescue/workflow';
import { type Node, type NodeOptions, openNode } from '@kube-rescue/node';
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApiGate, createLeaseGate, createNodeGate } from './gates.ts';
import { createPublishedCaGate } from '../kubeadm/published-ca-gate.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const OPTIONS: NodeOptions = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const UID = 'd743502647cf77a102b6cbccf0f334c0';
/** Up for 1000 s: tick 90,000 is 100 s ago. */
const STARTED_TICKS = 90_000;
const BEFORE_START = '2026-11-22T11:57:00.000000Z';
const FRESH = '2026-11-22T11:59:55.000000Z';

let pki: Pki;

beforeAll(async () => {
  pki = await buildPki({ now: NOW });
});

interface Api {
  /** By path; others answer 404. */
  readonly objects?: Readonly<Record<string, unknown>>;
  readonly readyz?: number;
  readonly trusted?: boolean;
  readonly serialNumber?: string;
  readonly fingerprint?: string;
}

function answer(api: Api, { url, client }: HttpProbe): HttpAnswer {
  const serving = new X509Certificate(pki.pairs.apiserver.certificate);
  const peer = {
    serialNumber: api.serialNumber ?? serving.serialNumber,
    fingerprint256: api.fingerprint ?? (api.serialNumber === undefined ? serving.fingerprint256 : ''),
    validTo: NOW,
    trusted: api.trusted ?? true,
    reason: api.trusted === false ? 'CERT_HAS_EXPIRED' : undefined,
  };
  const { pathname } = new URL(url);
  if (pathname === '/readyz') return { status: api.readyz ?? 200, body: 'ok', peer };
  if (client === undefined) return { status: 403, body: '{"message":"forbidden"}', peer };
  const object = api.objects?.[pathname];
  return { status: object === undefined ? 404 : 200, body: JSON.stringify(object ?? { message: 'not found' }), peer };
}

function nodeOf(api: Api | undefined, running = true): Node {
  const processes: ProcessInfo[] = [
    { pid: 9, argv: ['/usr/bin/kubelet'], startTicks: STARTED_TICKS, cgroup: '0::/\n' },
    ...['kube-apiserver', 'kube-scheduler'].map((name, index) => ({
      pid: 10 + index,
      argv: [name],
      startTicks: STARTED_TICKS,
      cgroup: `0::/kubepods/burstable/pod${UID}/${String(index).repeat(64)}\n`,
    })),
  ];
  const fake = createFakeHost({
    tree: new Map([...pki.tree, ...treeOf({ '/proc/uptime': '1000.00 1.00\n' })]),
    processes: () => (running ? processes : []),
    request: (probe) => (api === undefined ? undefined : answer(api, probe)),
  });
  const host: Host = {
    ...fake,
    list: async (path) =>
      path === '/var/log/pods'
        ? [`kube-system_kube-apiserver-node01_${UID}`, `kube-system_kube-scheduler-node01_${UID}`]
        : fake.list(path),
  };
  return openNode(OPTIONS, { host, clock: createFixedClock(NOW) });
}

function check(gate: Step): Promise<Finding> {
  return gate.check(new AbortController().signal);
}

function lease(renewTime: string): unknown {
  return { spec: { renewTime } };
}

const SCHEDULER_LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';
const NODE_LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node01';

describe('the gate of the API server', () => {
  it.each([
    ['nothing listens', undefined, 'does not answer'],
    ['its certificate is invalid', { trusted: false }, 'CERT_HAS_EXPIRED'],
    ['it is not ready', { readyz: 500 }, 'it answers 500'],
    [
      'it presents another certificate than the file',
      { serialNumber: '0BAD' },
      'another certificate than the one on disk',
    ],
    ['it presents a certificate with the serial of the file', { fingerprint: 'AA:BB' }, 'another certificate'],
  ])('stays shut when %s', async (_, api, reason) => {
    const finding = await check(createApiGate(nodeOf(api), []));
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining(reason) });
  });

  it('opens when the API server presents the certificate in the file', async () => {
    expect((await check(createApiGate(nodeOf({}), []))).status).toBe('ok');
  });

  it('verifies a whole window, and reports the reason of a failure', async () => {
    const signal = new AbortController().signal;
    const good = await createApiGate(nodeOf({}), []).verify(signal);
    expect(good).toMatchObject({ verified: true });
    const bad = await createApiGate(nodeOf({ serialNumber: '0BAD' }), []).verify(signal);
    expect(bad).toMatchObject({ verified: false, reason: expect.stringContaining('0BAD') });
  });
});

describe('the gate of a controller', () => {
  const gate = (api: Api, running = true): Step => createLeaseGate('kube-scheduler', nodeOf(api, running), []);

  it('opens on a lease renewed after the process started', async () => {
    expect((await check(gate({ objects: { [SCHEDULER_LEASE]: lease(FRESH) } }))).status).toBe('ok');
  });

  it.each([
    ['a lease that was renewed before it', { objects: { [SCHEDULER_LEASE]: lease(BEFORE_START) } }, 'has not renewed'],
    ['no lease', {}, 'holds no lease'],
  ])('stays shut on %s', async (_, api, reason) => {
    expect((await check(gate(api))).summary).toContain(reason);
  });

  it('stays shut when no process renews the lease', async () => {
    const finding = await check(gate({ objects: { [SCHEDULER_LEASE]: lease(FRESH) } }, false));
    expect(finding.summary).toContain('no process on this node');
  });

  it('reports the reason at its timeout', async () => {
    const verdict = await gate({}).verify(new AbortController().signal);
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining('after 120 s') });
  });
});

describe('the gate of the node', () => {
  const node = (status: string): unknown => ({
    status: { conditions: [{ type: 'Ready', status, message: 'no network' }] },
  });
  const gate = (objects: Record<string, unknown>): Step => createNodeGate(nodeOf({ objects }), []);

  it('opens when it is Ready and its kubelet renews its lease', async () => {
    const finding = await check(gate({ '/api/v1/nodes/node01': node('True'), [NODE_LEASE]: lease(FRESH) }));
    expect(finding.status).toBe('ok');
  });

  it('stays shut when the Ready condition is older than the kubelet', async () => {
    const finding = await check(gate({ '/api/v1/nodes/node01': node('True'), [NODE_LEASE]: lease(BEFORE_START) }));
    expect(finding.summary).toContain('has not renewed its lease');
  });

  it('stays shut with the reason when it is not Ready', async () => {
    expect((await check(gate({ '/api/v1/nodes/node01': node('False') }))).summary).toContain('no network');
  });

  it('stays shut with the message of an API server that refuses', async () => {
    expect((await check(gate({}))).summary).toContain('answers 404 when asked for the node node01: not found');
  });
});

describe('the gate of the published CA', () => {
  const CONFIG_MAPS = '/api/v1/configmaps';
  const SECRETS = '/api/v1/secrets';
  const gate = (objects: NonNullable<Api['objects']>): Step => createPublishedCaGate(nodeOf({ objects }), {}, []);
  const list = (...pems: readonly string[]): unknown => ({
    items: pems.map((pem) => ({ metadata: { namespace: 'a', name: 'kube-root-ca.crt' }, data: { 'ca.crt': pem } })),
  });
  const inBase64 = (pem: string): string => Buffer.from(pem).toString('base64');

  it('opens when each Secret and ConfigMap holds the CA of the disk', async () => {
    const { certificate } = pki.pairs.ca;
    const objects = {
      [CONFIG_MAPS]: list(certificate),
      [SECRETS]: list(inBase64(certificate)),
      '/api/v1/pods': list(),
    };
    expect(await check(gate(objects))).toMatchObject({ status: 'ok', evidence: [expect.stringMatching(/^2 Secrets/)] });
  });

  it('stays shut while a Secret holds another CA, and names it', async () => {
    const objects = { [CONFIG_MAPS]: list(pki.pairs.ca.certificate), [SECRETS]: list(inBase64('other')) };
    const finding = await check(gate(objects));
    expect(finding).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('such as Secret a/kube-root-ca.crt'),
    });
  });

  it('stays shut when Secrets and ConfigMaps cannot be listed', async () => {
    expect(await check(gate({}))).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining('does not list'),
    });
  });

  it('warns of pods with the old CA, and of cluster-info, when the CA is new', async () => {
    const { certificate } = pki.pairs.ca;
    const began = new X509Certificate(certificate).validFromDate.getTime();
    const now = new Date(began + 10 * 60_000);
    const pod = {
      metadata: { namespace: 'a', name: 'web-1' },
      spec: { volumes: [{ projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } }] },
      status: { containerStatuses: [{ state: { running: { startedAt: new Date(began).toISOString() } } }] },
    };
    const kubeconfig = `clusters:\n- cluster:\n    certificate-authority-data: ${inBase64('other')}\n`;
    const objects = {
      [CONFIG_MAPS]: {
        items: [
          ...(list(certificate) as { items: readonly object[] }).items.map((each) => ({
            ...each,
            data: { 'ca.crt': certificate, kubeconfig },
          })),
        ],
      },
      [SECRETS]: list(),
      '/api/v1/pods': { items: [pod] },
    };
    const { signal } = new AbortController();
    const verify = (at: Date) =>
      createPublishedCaGate({ ...nodeOf({ objects }), clock: createFixedClock(at) }, {}, []).verify(signal);
    expect(await verify(now)).toMatchObject({
      verified: true,
      warnings: [expect.stringContaining('a/web-1'), expect.stringContaining('kube-public/cluster-info')],
    });
    // A CA that is old was published long ago.
    expect(await verify(NOW)).toMatchObject({ warnings: [expect.stringContaining('cluster-info')] });
  });
});
