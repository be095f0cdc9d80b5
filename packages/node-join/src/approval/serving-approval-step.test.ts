import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ObjectStore, StoredObject } from '@kube-rescue/cluster-objects';
import { createFakeHost, createFixedClock } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeCluster, runDeps, runSteps } from '../cluster.fixture.ts';
import { createServingApprovalStep, type ServingApprovalInput } from '../index.ts';
import { CSR, isApproved, NODE, request, servingObject } from './signing-request.fixture.ts';

const { signal } = new AbortController();
const NOW = '2026-11-22T12:00:00Z';
const noWorker = async (): Promise<never> => Promise.reject(new Error('no worker'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-serving-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function pemFor(sans = 'DNS:node02,IP:192.0.2.12'): string {
  return request(folder, NODE, { more: ['-addext', `subjectAltName=${sans}`] }).pem;
}

/** The store with the creation times of `times`; the fake sets the present time. */
function timed(store: ObjectStore, times: ReadonlyMap<string, string>): ObjectStore {
  const at = (read: StoredObject): StoredObject => {
    const creationTimestamp = times.get(read.object.metadata.name) ?? NOW;
    return { ...read, object: { ...read.object, metadata: { ...read.object.metadata, creationTimestamp } } };
  };
  return {
    ...store,
    get: async (...input) => {
      const read = await store.get(...input);
      return read && at(read);
    },
    async *list(...input) {
      for await (const read of store.list(...input)) yield at(read);
    },
  };
}

/** A cluster whose node02 lacks a serving certificate until one of its requests is approved. */
function setUp(input: Partial<ServingApprovalInput> = {}) {
  const cluster = fakeCluster();
  cluster.plantNode('node02', {
    addresses: [
      { type: 'Hostname', address: 'node02' },
      { type: 'InternalIP', address: '192.0.2.12' },
    ],
  });
  const clock = createFixedClock(NOW);
  const times = new Map<string, string>();
  const objects = { ...cluster.objects, open: async () => timed(cluster.store, times) };
  const step = createServingApprovalStep(
    {
      id: 'kubelet/serving',
      requires: [],
      findKubelet: async () => ({
        node: 'node02',
        since: new Date('2026-11-22T11:59:00Z'),
        formerNames: ['old.example.org'],
      }),
      findNeed: async () => 'kubelet-server-current.pem: does not exist',
      observe: async () => ({ verified: true, evidence: ['it is served'] }),
      timeoutMs: 3_000,
      ...input,
    },
    { objects, clock },
  );
  const plant = (...object: Parameters<typeof servingObject>): void => {
    const planted = servingObject(...object);
    times.set(planted.metadata.name, planted.metadata.creationTimestamp);
    cluster.store.plant(CSR, planted);
  };
  const run = async () => runSteps([step], runDeps(createFakeHost(), clock, objects, noWorker));
  return { ...cluster, step, plant, run };
}

describe("the request of this node's kubelet", () => {
  it('is approved, and no other one', async () => {
    const { store, plant, run } = setUp();
    plant('own', pemFor());
    plant('of-another-node', pemFor(), { username: 'system:node:cp1' });
    plant('of-an-operator', pemFor(), { username: 'kubernetes-admin', groups: ['system:masters'] });
    plant('before-the-start', pemFor(), {}, '2026-11-22T11:58:59Z');
    plant('older', pemFor(), {}, '2026-11-22T11:59:30Z');
    const { steps } = await run();
    expect(steps[0]?.result).toBe('done');
    expect(await isApproved(store, 'own')).toBe(true);
    for (const name of ['of-another-node', 'of-an-operator', 'before-the-start', 'older']) {
      expect([name, await isApproved(store, name)]).toEqual([name, false]);
    }
  });

  it('is approved for a name of its former certificate', async () => {
    const { store, plant, run } = setUp();
    plant('own', pemFor('DNS:old.example.org'));
    await run();
    expect(await isApproved(store, 'own')).toBe(true);
  });

  it("is refused for a name that is not known to be this node's, and nothing is written", async () => {
    const { store, plant, step } = setUp();
    plant('own', pemFor('DNS:node02,DNS:cp1'));
    const finding = await step.check(signal);
    expect(finding).toMatchObject({
      status: 'blocked',
      summary: expect.stringContaining('own is not approved: it asks for DNS:cp1') as string,
    });
    expect(finding.hint).toContain('kubectl describe csr own');
    expect(await isApproved(store, 'own')).toBe(false);
  });

  it('is not approved after a denial, nor without a Node whose names are known', async () => {
    const denied = setUp();
    denied.store.plant(CSR, {
      ...servingObject('own', pemFor()),
      status: { conditions: [{ type: 'Denied', status: 'True' }] },
    });
    expect(await denied.step.check(signal)).toMatchObject({
      status: 'blocked',
      summary: 'own is denied',
      code: 'JOIN_REQUEST_REFUSED',
      subject: 'CertificateSigningRequest own',
    });
    const unknown = setUp({
      findKubelet: async () => ({ node: 'node09', since: new Date(0), formerNames: [] }),
    });
    unknown.plant(
      'own',
      request(folder, '/O=system:nodes/CN=system:node:node09', { more: ['-addext', 'subjectAltName=DNS:node09'] }).pem,
      {
        username: 'system:node:node09',
      },
    );
    expect(await unknown.step.check(signal)).toMatchObject({ status: 'blocked' });
  });

  it('is not looked for when the certificate is good', async () => {
    const { plant, step } = setUp({ findNeed: async () => undefined });
    plant('own', pemFor());
    expect(await step.check(signal)).toMatchObject({ status: 'ok', changes: [] });
  });

  it('is named when it is approved and no controller signs it', async () => {
    const { plant, step, run } = setUp({ observe: async () => ({ verified: false, reason: 'the file is missing' }) });
    plant('own', pemFor());
    await expect(run()).rejects.toMatchObject({ code: 'NOT_VERIFIED' });
    expect(await step.verify(signal)).toMatchObject({
      verified: false,
      reason: 'own is approved and not signed: the file is missing',
      hint: expect.stringContaining('kube-controller-manager signs') as string,
    });
  });

  // https://github.com/kubernetes/kubernetes/issues/130001 (v1.32)
  it('is reported as missing when the kubelet never creates it', async () => {
    const { step } = setUp();
    expect(await step.check(signal)).toMatchObject({
      status: 'needed',
      summary: 'the kubelet has not requested its serving certificate yet',
      changes: [],
    });
  });
});
