import { createObjectChangeKinds } from '@kube-rescue/cluster-objects';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCsrApprovalStep } from '../index.ts';
import { CSR, csrObject, NODE, request } from './signing-request.fixture.ts';

stepLaws('approval of certificate signing requests', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-csr-'));
  const own = request(folder, NODE);
  const other = request(folder, NODE);
  rmSync(folder, { recursive: true });
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const machines = createObjectMachines((store) => {
    for (const name of ['first', 'second']) store.plant(CSR, { ...csrObject(name, own.pem), status: {} });
    store.plant(CSR, { ...csrObject('of-a-stranger', other.pem), status: {} });
  });
  return {
    ...machines,
    makePlaybook: (host) => {
      const objects = { source: { via: 'api' as const, search: null }, open: async () => machines.objectsOf(host) };
      const kubelets = [{ node: 'node02', publicKey: own.publicKey }];
      const steps = async () => [createCsrApprovalStep({ kubelets, signTimeoutMs: 0 }, { objects, clock }) as Step];
      return { id: 'requests', title: 'requests', phases: [{ id: 'nodes', title: 'nodes', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock,
    directories: [],
  };
});
