import { hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode } from '@kube-rescue/testing';
import type { Plan } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { readPlan, writePlan } from './plan-file.ts';

const FILE = hostPath('/root/plan.json');
const PLAN: Plan = {
  version: 1,
  playbook: 'kubeadm',
  host: 'node01',
  createdAt: '2026-11-22T11:18:00.000Z',
  entries: [],
};

describe('a plan in a file', () => {
  it('reads as it was written, and is private', async () => {
    const host = createFakeHost();
    await host.makeDirectory(hostPath('/root'), { mode: 0o700 });
    await writePlan(PLAN, FILE, host);
    expect(await readPlan(FILE, host)).toEqual(PLAN);
    expect((await host.stat(FILE))?.mode).toBe(0o600);
  });

  it('is refused when it is missing', async () => {
    await expectCode(readPlan(FILE, createFakeHost()), 'PLAN_FILE_INVALID');
  });

  it.each([
    'not JSON',
    'null',
    '{}',
    '{"version":2,"playbook":"kubeadm","createdAt":"x","entries":[]}',
    '{"version":1,"playbook":"kubeadm","createdAt":"x","entries":[{"step":"a"}]}',
  ])('is refused when it is %s', async (text) => {
    const host = { readFile: async () => new TextEncoder().encode(text) };
    await expectCode(readPlan(FILE, host), 'PLAN_FILE_INVALID');
  });
});
