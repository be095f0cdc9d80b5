import { type HostPath, hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode, type FakeHost } from '@kube-rescue/testing';
import type { Plan, RunOrigin } from '@kube-rescue/workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { readPlan, writePlan } from './plan-file.ts';

const FILE = hostPath('/root/plan.json');
const PLAN: Plan = {
  version: 1,
  playbook: 'kubeadm',
  host: 'node01',
  createdAt: '2026-11-22T11:18:00.000Z',
  entries: [],
  varies: ['file.replace /etc/x'],
};
const ORIGIN: RunOrigin = { command: ['plan'], flags: { days: 30 }, inputs: [], tool: '0.1.0' };

let host: FakeHost;
beforeEach(async () => {
  host = createFakeHost();
  await host.makeDirectory(hostPath('/root'), { mode: 0o700 });
  await writePlan({ plan: PLAN, origin: ORIGIN }, FILE, host);
});

const textAt = async (path: HostPath): Promise<string> => Buffer.from((await host.readFile(path)) ?? []).toString();
const reading = (text: string): ReturnType<typeof readPlan> =>
  readPlan(FILE, { readFile: async () => new TextEncoder().encode(text) });

describe('a plan in a file', () => {
  it('reads as it was written, with its flags, and is private', async () => {
    expect(await readPlan(FILE, host)).toEqual({ plan: PLAN, origin: ORIGIN });
    expect((await host.stat(FILE))?.mode).toBe(0o600);
  });

  it('is refused when it is missing', async () => {
    await expectCode(readPlan(FILE, createFakeHost()), 'PLAN_FILE_INVALID');
  });

  it.each([
    ['an edited flag', '"days": 30', '"days": 31'],
    ['an edited time', '11:18', '11:19'],
    ['a removed digest', /,\s*"digest": "[0-9a-f]+"/, ''],
    ['a removed field', '"host": "node01",', ''],
  ])('is refused with %s', async (_what, from, to) => {
    const text = await textAt(FILE);
    expect(text.replace(from, to)).not.toBe(text);
    const error = await expectCode(reading(text.replace(from, to)), 'PLAN_FILE_INVALID');
    expect(error.message).toMatch(/edited|missing/);
  });

  it('is refused when it is incomplete, wherever it ends', async () => {
    const text = await textAt(FILE);
    for (let length = 0; length < text.trimEnd().length; length += 7) {
      await expectCode(reading(text.slice(0, length)), 'PLAN_FILE_INVALID');
    }
  });

  it.each([
    ['1', /version 1 does not say/],
    ['3', /not a plan of version 2/],
    ['"2"', /not a plan of version 2/],
  ])('is refused with version %s', async (version, message) => {
    const text = (await textAt(FILE)).replace('"version": 2', `"version": ${version}`);
    expect((await expectCode(reading(text), 'PLAN_FILE_INVALID')).message).toMatch(message);
  });

  it.each(['not JSON', 'null', '{}', '[]'])('is refused when it is %s', async (text) => {
    await expectCode(reading(text), 'PLAN_FILE_INVALID');
  });
});
