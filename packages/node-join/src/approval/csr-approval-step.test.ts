import { createFakeHost, createFixedClock } from '@kube-rescue/testing';
import { publicKeyDigest, readSigningRequest } from '@kube-rescue/x509';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeCluster, runDeps, runSteps } from '../cluster.fixture.ts';
import { createCsrApprovalStep } from '../index.ts';
import { CSR, csrObject, isApproved, NODE, request } from './signing-request.fixture.ts';

const { signal } = new AbortController();
const noWorker = async (): Promise<never> => Promise.reject(new Error('no worker'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-csr-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The same request, signed without its key. */
function forge(pem: string): string {
  const [, text = ''] = /-----\n([^-]+)-----/.exec(pem) ?? [];
  const der = Buffer.from(text, 'base64');
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function plant(store: ReturnType<typeof fakeCluster>['store'], ...input: Parameters<typeof csrObject>): void {
  store.plant(CSR, csrObject(...input));
}

describe('certificate requests', () => {
  it('are approved for known kubelets only', async () => {
    const cluster = fakeCluster();
    const own = request(folder, NODE);
    const refused: Readonly<Record<string, readonly [string, object?]>> = {
      stranger: [request(folder, NODE).pem],
      'other-node': [request(folder, '/O=system:nodes/CN=system:node:cp1', own).pem],
      'admin-group': [request(folder, '/O=system:masters/CN=system:node:node02', own).pem],
      'two-groups': [request(folder, '/O=system:nodes/O=system:masters/CN=system:node:node02', own).pem],
      'two-names': [request(folder, '/O=system:nodes/CN=system:node:node02/CN=admin', own).pem],
      names: [request(folder, NODE, { ...own, more: ['-addext', 'subjectAltName=DNS:api'] }).pem],
      'other-signer': [own.pem, { signerName: 'kubernetes.io/kube-apiserver-client' }],
      server: [own.pem, { usages: ['server auth'] }],
      forged: [forge(own.pem)],
      garbage: ['-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----'],
    };
    plant(cluster.store, 'own', own.pem);
    for (const [name, [pem, spec]] of Object.entries(refused)) plant(cluster.store, name, pem, spec);
    // Any kubelet may create requests.
    const odd = csrObject('odd', own.pem);
    cluster.store.plant(CSR, { ...odd, metadata: { ...odd.metadata, ...{ labels: ['a'] } } } as unknown as typeof odd);
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const deps = runDeps(createFakeHost(), clock, cluster.objects, noWorker);
    const kubelets = [{ node: 'node02', publicKey: own.publicKey }];
    const step = createCsrApprovalStep({ kubelets }, { ...cluster, clock });
    const { steps } = await runSteps([step], deps);
    expect(await isApproved(cluster.store, 'own')).toBe(true);
    for (const name of Object.keys(refused))
      expect({ name, approved: await isApproved(cluster.store, name) }).toEqual({ name, approved: false });
    expect(steps[0]?.warnings?.[0]).toContain('not signed: own');
    expect((await step.check(signal)).status).toBe('ok');
  });

  it('are not approved after a denial', async () => {
    const cluster = fakeCluster();
    const own = request(folder, NODE);
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

  it('are identified by their key, in any type and encoding', () => {
    const key = path.join(folder, 'rsa.key');
    execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'pipe' });
    const { pem, publicKey } = request(folder, NODE, { key });
    const certificate = execFileSync('openssl', ['req', '-x509', '-key', key, '-subj', '/CN=x'], {
      stdio: 'pipe',
    }).toString();
    expect(readSigningRequest(pem)).toEqual({
      publicKey,
      commonName: 'system:node:node02',
      organizations: ['system:nodes'],
      hasExtensions: false,
      subjectAltNames: [],
      hasOtherContent: false,
    });
    expect(publicKeyDigest(certificate)).toBe(publicKey);
    writeFileSync(key, '');
  });
});
