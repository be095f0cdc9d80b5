import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createObjectChangeKinds, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { createFixedClock, createObjectMachines, stepLaws } from '@kube-rescue/testing';
import type { Step } from '@kube-rescue/workflow';
import { createServingApprovalStep } from '../index.ts';
import { CSR, isApproved, NODE, request, servingObject } from './signing-request.fixture.ts';

stepLaws('approval of the request for a serving certificate', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kube-rescue-serving-'));
  const own = request(folder, NODE, { more: ['-addext', 'subjectAltName=DNS:node02'] });
  rmSync(folder, { recursive: true });
  const clock = createFixedClock('2026-11-22T12:00:00Z');
  const machines = createObjectMachines((store) => {
    store.plant(RESOURCE_KINDS.Node, {
      metadata: { name: 'node02' },
      status: { addresses: [{ type: 'Hostname', address: 'node02' }] },
    });
    store.plant(CSR, { ...servingObject('own', own.pem), status: {} });
    store.plant(CSR, { ...servingObject('of-a-stranger', own.pem, { username: 'system:node:cp1' }), status: {} });
  });
  return {
    ...machines,
    makePlaybook: (host) => {
      const objects = { source: { via: 'api' as const, search: null }, open: async () => machines.objectsOf(host) };
      const need = async (): Promise<string | undefined> =>
        (await isApproved(machines.objectsOf(host), 'own')) ? undefined : 'it does not exist';
      const input = {
        id: 'kubelet/serving',
        requires: [],
        findKubelet: async () => ({ node: 'node02', since: new Date(0), formerNames: [] }),
        findNeed: need,
        observe: async () =>
          (await need()) === undefined
            ? ({ verified: true, evidence: [] } as const)
            : ({ verified: false, reason: 'not approved' } as const),
        timeoutMs: 0,
      };
      const steps = async () => [createServingApprovalStep(input, { objects, clock }) as Step];
      return { id: 'serving', title: 'serving', phases: [{ id: 'kubelet', title: 'kubelet', steps }] };
    },
    makeKinds: (host) => createObjectChangeKinds(async () => machines.objectsOf(host)),
    clock,
    directories: [],
  };
});
