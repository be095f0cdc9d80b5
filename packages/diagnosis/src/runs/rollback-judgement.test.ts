import { hostPath } from '@kube-rescue/host';
import { buildPki, createFakeHost, createFixedClock, type FakeHost, plantTree } from '@kube-rescue/testing';
import { openRunStore, type RunDirectory, type RunOutcome } from '@kube-rescue/workflow';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeRollback } from './rollback-judgement.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const CERTIFICATE = hostPath('/etc/kubernetes/pki/apiserver.crt');
const clock = createFixedClock(NOW);

let expired: Uint8Array;
let good: Uint8Array;
let host: FakeHost;

async function certificateOf(options: { readonly expired?: readonly 'apiserver'[] }): Promise<Uint8Array> {
  const machine = createFakeHost();
  await plantTree(machine, (await buildPki({ now: NOW, ...options })).tree);
  return (await machine.readFile(CERTIFICATE)) ?? new Uint8Array();
}

beforeAll(async () => {
  [expired, good] = await Promise.all([certificateOf({ expired: ['apiserver'] }), certificateOf({})]);
});

beforeEach(async () => {
  host = createFakeHost();
  await host.makeDirectory(hostPath('/etc/kubernetes/pki'), { mode: 0o755 });
});

/** A run that has made one change, with a backup of the old bytes. */
async function runOver(kind: string, old: Uint8Array, outcome: RunOutcome = 'done'): Promise<RunDirectory> {
  const run = await openRunStore(host).create({ playbook: 'test', at: NOW });
  const captured = { kept: await run.backup.keep(old) };
  const at = NOW.toISOString();
  const target = kind.startsWith('file.') ? CERTIFICATE : 'Secret kube-system/kube-apiserver';
  await run.append(
    { type: 'intent', seq: 0, step: 'one', change: { kind, target }, captured },
    { type: 'applied', step: 'one', at },
    { type: 'end', outcome, at },
  );
  return run;
}

const present = (bytes: Uint8Array): Promise<void> => host.writeFile(CERTIFICATE, bytes, { mode: 0o644 });
const secretOf = (bytes: Uint8Array): Uint8Array => {
  const data = { 'apiserver.crt': Buffer.from(bytes).toString('base64') };
  return Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data }));
};

describe('a rollback', () => {
  it('is harmful when it replaces a valid certificate by an expired one, and names the file', async () => {
    await present(good);
    const reasons = await judgeRollback(await runOver('file.replace', expired), { host, clock });
    expect(reasons).toEqual([
      expect.stringMatching(new RegExp(`^${CERTIFICATE}: the old .*apiserver.* expired on 2026`)),
    ]);
  });

  it('is harmful when it puts an expired certificate into a Secret', async () => {
    const reasons = await judgeRollback(await runOver('object.replace', secretOf(expired)), { host, clock });
    expect(reasons).toEqual([expect.stringContaining('Secret kube-system/kube-apiserver')]);
  });

  it('is harmless when the old certificate is valid, or the new one has expired as well', async () => {
    await present(good);
    expect(await judgeRollback(await runOver('file.replace', good), { host, clock })).toEqual([]);
    expect(await judgeRollback(await runOver('object.replace', secretOf(good)), { host, clock })).toEqual([]);
    await present(expired);
    expect(await judgeRollback(await runOver('file.replace', expired), { host, clock })).toEqual([]);
  });

  it('is not refused for a run that was not verified', async () => {
    await present(good);
    const run = await runOver('file.replace', expired, 'not-verified');
    expect(await judgeRollback(run, { host, clock })).toEqual([]);
  });
});
