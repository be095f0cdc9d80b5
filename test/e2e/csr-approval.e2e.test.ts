import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { createFakeHost } from '@kube-rescue/testing';
import { createCsrApprovalStep } from '@kube-rescue/node-join';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';
import { runDeps, runSteps } from '../../packages/node-join/src/cluster.fixture.ts';
import {
  CSR,
  csrObject,
  isApproved,
  NODE,
  request,
} from '../../packages/node-join/src/approval/signing-request.fixture.ts';
import { type KubeApi, startKubeApi } from './objects/kube-api.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

let api: KubeApi;
const directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-csr-'));

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const binaries = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  api = await startKubeApi(binaries.directory);
});

afterAll(async () => {
  await api?.dispose();
  rmSync(directory, { recursive: true });
});

it('a real API server gets approvals for the requests of our kubelets, and for no others', async () => {
  const store = api.viaApi;
  const own = request(directory, NODE);
  await store.create(CSR, csrObject('own', own.pem));
  await store.create(CSR, csrObject('stranger', request(directory, NODE).pem));
  const objects = { source: { via: 'api' as const, search: {} }, open: async () => store };
  const kubelets = [{ node: 'node02', publicKey: own.publicKey }];
  const step = createCsrApprovalStep({ kubelets, signTimeoutMs: 0 }, { objects, clock: systemClock });
  const noWorker = (): Promise<never> => Promise.reject(new Error('no worker'));
  await runSteps([step], runDeps(createFakeHost(), systemClock, objects, noWorker));
  expect(await isApproved(store, 'own')).toBe(true);
  expect(await isApproved(store, 'stranger')).toBe(false);
});
