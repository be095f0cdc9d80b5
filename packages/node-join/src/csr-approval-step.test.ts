import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectApiServer, type ObjectStore, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { systemClock } from '@kube-rescue/host';
import {
  buildEtcdPki,
  createFakeHost,
  createFixedClock,
  requireProgram,
  startApiServer,
  startEtcd,
} from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeCluster, runDeps, runSteps } from './cluster.fixture.ts';
import { createCsrApprovalStep, publicKeyDigest } from './index.ts';
import { readSigningRequest } from './signing-request.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet';
const BINARIES = process.env['KUBEBUILDER_ASSETS'];
const CSR = RESOURCE_KINDS.CertificateSigningRequest;
const { signal } = new AbortController();
const noWorker = async (): Promise<never> => Promise.reject(new Error('no worker'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-csr-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A key, and a request made with it by openssl. */
function request(subject: string, options: { readonly key?: string; readonly more?: readonly string[] } = {}) {
  const key = options.key ?? path.join(folder, `${Math.random()}.key`);
  if (options.key === undefined)
    execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  const more = options.more ?? [];
  const pem = execFileSync('openssl', ['req', '-new', '-key', key, '-subj', subject, ...more], {
    stdio: 'pipe',
  }).toString();
  return { key, pem, publicKey: publicKeyDigest(readFileSync(key, 'utf8')) };
}

/** The same request, signed by somebody who does not have its key. */
function forge(pem: string): string {
  const [, text = ''] = /-----\n([^-]+)-----/.exec(pem) ?? [];
  const der = Buffer.from(text, 'base64');
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}

const NODE = '/O=system:nodes/CN=system:node:node02';

function csrObject(name: string, pem: string, spec: object = {}) {
  const usages = ['digital signature', 'client auth'];
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(pem).toString('base64'),
      signerName: SIGNER,
      usages,
      username: 'system:bootstrap',
      ...spec,
    },
  };
}

function plant(store: ReturnType<typeof fakeCluster>['store'], ...input: Parameters<typeof csrObject>): void {
  store.plant(CSR, csrObject(...input));
}

async function isApproved(store: Pick<ObjectStore, 'get'>, name: string): Promise<boolean> {
  const { conditions = [] } = ((await store.get({ kind: CSR, name }))?.object.status ?? {}) as {
    conditions?: readonly { type: string }[];
  };
  return conditions.some(({ type }) => type === 'Approved');
}

describe('certificate requests', () => {
  it("are approved when a kubelet that we sent has made them, and nobody else's are", async () => {
    const cluster = fakeCluster();
    const own = request(NODE);
    const refused: Readonly<Record<string, readonly [string, object?]>> = {
      stranger: [request(NODE).pem],
      'other-node': [request('/O=system:nodes/CN=system:node:cp1', own).pem],
      'admin-group': [request('/O=system:masters/CN=system:node:node02', own).pem],
      'two-groups': [request('/O=system:nodes/O=system:masters/CN=system:node:node02', own).pem],
      'two-names': [request('/O=system:nodes/CN=system:node:node02/CN=admin', own).pem],
      names: [request(NODE, { ...own, more: ['-addext', 'subjectAltName=DNS:api'] }).pem],
      'other-signer': [own.pem, { signerName: 'kubernetes.io/kube-apiserver-client' }],
      server: [own.pem, { usages: ['server auth'] }],
      forged: [forge(own.pem)],
      garbage: ['-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----'],
    };
    plant(cluster.store, 'own', own.pem);
    for (const [name, [pem, spec]] of Object.entries(refused)) plant(cluster.store, name, pem, spec);
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const deps = runDeps(createFakeHost(), clock, cluster.objects, noWorker);
    const kubelets = [{ node: 'node02', publicKey: own.publicKey }];
    const step = createCsrApprovalStep({ kubelets }, { ...cluster, clock });
    const { steps } = await runSteps([step], deps);
    expect(await isApproved(cluster.store, 'own')).toBe(true);
    for (const name of Object.keys(refused))
      expect({ name, approved: await isApproved(cluster.store, name) }).toEqual({ name, approved: false });
    expect(steps[0]?.warnings?.[0]).toContain('nobody has signed: own');
    expect((await step.check(signal)).status).toBe('ok');
  });

  it('are left alone once somebody has denied them', async () => {
    const cluster = fakeCluster();
    const own = request(NODE);
    cluster.store.plant(CSR, {
      ...csrObject('own', own.pem),
      status: { conditions: [{ type: 'Denied', status: 'True' }] },
    });
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const step = createCsrApprovalStep(
      { kubelets: [{ node: 'node02', publicKey: own.publicKey }] },
      { ...cluster, clock },
    );
    expect((await step.check(signal)).status).toBe('ok');
  });

  it('are known by a key, whatever its kind, and however it is written', () => {
    const key = path.join(folder, 'rsa.key');
    execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'pipe' });
    const { pem, publicKey } = request(NODE, { key });
    const certificate = execFileSync('openssl', ['req', '-x509', '-key', key, '-subj', '/CN=x'], {
      stdio: 'pipe',
    }).toString();
    expect(readSigningRequest(pem)).toEqual({
      publicKey,
      commonName: 'system:node:node02',
      organizations: ['system:nodes'],
      hasExtensions: false,
    });
    expect(publicKeyDigest(certificate)).toBe(publicKey);
    writeFileSync(key, '');
  });
});

describe.skipIf(BINARIES === undefined || !requireProgram('etcd'))(
  'with a real API server, certificate requests',
  () => {
    it('of ours are approved, and those of others wait on', async () => {
      const etcd = await startEtcd({ pki: await buildEtcdPki() });
      const server = await startApiServer({ etcd, binaries: BINARIES ?? '' });
      const access = { server: server.server, ca: server.ca, client: server.client };
      const store = connectApiServer(access);
      try {
        const own = request(NODE);
        await store.create(CSR, csrObject('own', own.pem));
        await store.create(CSR, csrObject('stranger', request(NODE).pem));
        const objects = { way: { via: 'api' as const, search: {} }, open: async () => store };
        const kubelets = [{ node: 'node02', publicKey: own.publicKey }];
        const step = createCsrApprovalStep({ kubelets, signTimeoutMs: 0 }, { objects, clock: systemClock });
        await runSteps([step], runDeps(createFakeHost(), systemClock, objects, noWorker));
        expect(await isApproved(store, 'own')).toBe(true);
        expect(await isApproved(store, 'stranger')).toBe(false);
      } finally {
        await store.close();
        await server.dispose();
        await etcd.stop();
      }
    });
  },
);
