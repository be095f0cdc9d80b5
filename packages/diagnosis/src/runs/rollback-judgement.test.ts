import { hostPath } from '@kube-rescue/host';
import {
  buildPki,
  createFakeHost,
  createFixedClock,
  type FakeHost,
  type NodeTree,
  plantTree,
} from '@kube-rescue/testing';
import { openRunStore, type RunDirectory, type RunOutcome, sha256 } from '@kube-rescue/workflow';
import { type Node, openNode } from '@kube-rescue/node';
import { MS_PER_DAY, parseCertificates } from '@kube-rescue/x509';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeRollback } from './rollback-judgement.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const CERTIFICATE = hostPath('/etc/kubernetes/pki/apiserver.crt');
const clock = createFixedClock(NOW);
const nodeOf = (machine: FakeHost): Node =>
  openNode(
    { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' },
    { host: machine, clock, sealSnapshot: undefined },
  );

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
async function runOver(kind: string, old: Uint8Array, outcome: RunOutcome | undefined = 'done'): Promise<RunDirectory> {
  const run = await openRunStore(host).create({ playbook: 'test', at: NOW });
  const kept = await run.backup.keep(old);
  const after = sha256((await host.readFile(CERTIFICATE)) ?? new Uint8Array());
  const captured = { kept, after, state: { kind: 'file' } };
  const at = NOW.toISOString();
  const target = kind.startsWith('file.') ? CERTIFICATE : 'Secret kube-system/kube-apiserver';
  await run.append(
    { type: 'intent', seq: 0, step: 'one', change: { kind, target }, captured },
    { type: 'applied', step: 'one', at },
  );
  if (outcome !== undefined) await run.append({ type: 'end', outcome, at });
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
    const reasons = await judgeRollback(await runOver('file.replace', expired), nodeOf(host));
    expect(reasons).toEqual([
      expect.stringMatching(new RegExp(`^${CERTIFICATE}: the old .*apiserver.* expired on 2026`)),
    ]);
  });

  it('is harmful when it puts an expired certificate into a Secret', async () => {
    const reasons = await judgeRollback(await runOver('object.replace', secretOf(expired)), nodeOf(host));
    expect(reasons).toEqual([expect.stringContaining('Secret kube-system/kube-apiserver')]);
  });

  it('is harmless when the old certificate is valid, or the new one has expired as well', async () => {
    await present(good);
    expect(await judgeRollback(await runOver('file.replace', good), nodeOf(host))).toEqual([]);
    expect(await judgeRollback(await runOver('object.replace', secretOf(good)), nodeOf(host))).toEqual([]);
    await present(expired);
    expect(await judgeRollback(await runOver('file.replace', expired), nodeOf(host))).toEqual([]);
  });

  it.each(['done', 'not-verified', 'interrupted', 'rollback-incomplete', undefined] as const)(
    'is harmful whatever the outcome of the run: %s',
    async (outcome) => {
      await present(good);
      expect(await judgeRollback(await runOver('file.replace', expired, outcome), nodeOf(host))).toHaveLength(1);
    },
  );

  it('is harmful when the old certificate expires within a day', async () => {
    await present(good);
    const run = await runOver('file.replace', expired);
    clock.advance(-MS_PER_DAY * 31);
    try {
      // A month earlier the old one was still valid, for longer than a day.
      const { notAfter } = parseCertificates(Buffer.from(expired).toString(), CERTIFICATE)[0] ?? { notAfter: NOW };
      expect(await judgeRollback(run, nodeOf(host))).toEqual([]);
      clock.advance(notAfter.getTime() - clock.now().getTime() - MS_PER_DAY / 2);
      expect(await judgeRollback(run, nodeOf(host))).toEqual([expect.stringContaining('expires already on')]);
    } finally {
      clock.advance(NOW.getTime() - clock.now().getTime());
    }
  });

  it('is not judged by files that another process has changed since, which stay', async () => {
    await present(good);
    const run = await runOver('file.replace', expired);
    await present(Buffer.from('theirs'));
    expect(await judgeRollback(run, nodeOf(host))).toEqual([]);
  });
});

describe('a rollback of a restore of etcd', () => {
  /** A run that has restored the data, which is marked by the restore of this value now. */
  async function runOverRestore(marked: string, more: object): Promise<RunDirectory> {
    const mark = { value: marked, source: 'aa', revision: 7, formerMembers: [] };
    await host.makeDirectory(hostPath('/var/lib/etcd/member'), { mode: 0o700 });
    const path = hostPath('/var/lib/etcd/member/kube-rescue-restore.json');
    await host.writeFile(path, Buffer.from(JSON.stringify(mark)), { mode: 0o600 });
    const run = await openRunStore(host).create({ playbook: 'test', at: NOW });
    const change = { kind: 'etcd.restore', target: '/var/lib/etcd', value: 'one', ...more };
    await run.append(
      { type: 'intent', seq: 0, step: 'one', change, captured: { hadData: true } },
      { type: 'applied', step: 'one', at: NOW.toISOString() },
    );
    return run;
  }

  it('is harmful where the member would wait for others that are gone for good', async () => {
    const run = await runOverRestore('one', { without: ['cp2', 'cp3'] });
    expect(await judgeRollback(run, nodeOf(host))).toEqual([
      '/var/lib/etcd: the old data is that of a member of etcd without a majority, cp2, cp3 being gone for good',
    ]);
  });

  it('is harmless for the only member of etcd, and where its data is not that of this restore', async () => {
    expect(await judgeRollback(await runOverRestore('one', {}), nodeOf(host))).toEqual([]);
    expect(await judgeRollback(await runOverRestore('two', { without: ['cp2'] }), nodeOf(host))).toEqual([]);
  });
});

describe('a rollback of a whole node', () => {
  const write = (path: string, bytes: Uint8Array): Promise<void> =>
    host.writeFile(hostPath(path), bytes, { mode: 0o600 });
  const bytesOf = async (tree: NodeTree, path: string): Promise<Uint8Array> => {
    const entry = tree.get(hostPath(path));
    if (entry?.kind !== 'file') throw new Error(`no ${path}`);
    return entry.bytes;
  };
  /** A run that changed this file to what it is now. */
  const runOverFile = async (path: string, old: Uint8Array): Promise<RunDirectory> => {
    const run = await openRunStore(host).create({ playbook: 'test', at: NOW });
    const after = sha256((await host.readFile(hostPath(path))) ?? new Uint8Array());
    const captured = { kept: await run.backup.keep(old), after, state: { kind: 'file' } };
    const at = NOW.toISOString();
    await run.append(
      { type: 'intent', seq: 0, step: 'one', change: { kind: 'file.replace', target: path }, captured },
      { type: 'applied', step: 'one', at },
    );
    return run;
  };

  it('is harmful when a certificate would not fit its key, or no trusted CA would have issued it', async () => {
    const own = await buildPki({ now: NOW });
    host = createFakeHost();
    await plantTree(host, own.tree);
    const key = await runOverFile(
      '/etc/kubernetes/pki/apiserver.key',
      await bytesOf(own.tree, '/etc/kubernetes/pki/front-proxy-client.key'),
    );
    expect(await judgeRollback(key, nodeOf(host))).toEqual([expect.stringMatching(/apiserver.*after the rollback/)]);
    const ca = await runOverFile(
      '/etc/kubernetes/pki/ca.crt',
      await bytesOf(own.tree, '/etc/kubernetes/pki/etcd/ca.crt'),
    );
    expect((await judgeRollback(ca, nodeOf(host))).length).toBeGreaterThan(0);
    // A pair that does not fit now either is no worse afterwards.
    await write(
      '/etc/kubernetes/pki/apiserver.key',
      await bytesOf(own.tree, '/etc/kubernetes/pki/front-proxy-client.key'),
    );
    const back = await runOverFile(
      '/etc/kubernetes/pki/apiserver.key',
      await bytesOf(own.tree, '/etc/kubernetes/pki/apiserver.key'),
    );
    expect(await judgeRollback(back, nodeOf(host))).toEqual([]);
  });
});
