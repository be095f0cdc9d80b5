import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDataRestoreKind, inspectSnapshotFile, readRestoreMark } from '@kube-rescue/etcd-access/restore';
import { createLocalHost, type Host, hostPath } from '@kube-rescue/host';
import { type NodeOptions, openNode } from '@kube-rescue/node';
import {
  buildPki,
  createFixedClock,
  expectCode,
  type NodeTree,
  readTree,
  requireProgram,
  type RunningEtcd,
  startEtcd,
} from '@kube-rescue/testing';
import { createChangeRegistry, hostChangeKinds, openRunStore, rollbackRun, runPlaybook } from '@kube-rescue/workflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRestoreNode, DATA, OTHER_DATA, putClusterIdentity, SNAPSHOT } from './restore-node.fixture.ts';
import { createRestorePhases } from './restore-playbook.ts';
import type { EtcdRestoreInput } from './restore-source.ts';

const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const FROM = { from: { kind: 'snapshot', path: SNAPSHOT } } as const;
const NOW = new Date('2026-11-22T12:00:00Z');
const MEMBER = hostPath(`${DATA}/member`);
const signal = new AbortController().signal;

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a restore of etcd', () => {
  let etcd: RunningEtcd;
  let tree: NodeTree;
  let snapshot: Uint8Array;
  let canRaise: boolean;
  beforeAll(async () => {
    etcd = await startEtcd();
    const pki = await buildPki({ now: NOW, algorithm: 'ecdsa' });
    tree = pki.tree;
    await putClusterIdentity(etcd, pki.pairs.ca.certificate);
    await etcd.etcdctl('put', '/registry/kept', 'yes');
    snapshot = await snapshotOf(etcd);
    canRaise = (await etcd.etcdctl('snapshot', 'restore', '--help')).includes('--bump-revision');
  });
  afterAll(() => etcd.stop());

  async function snapshotOf(from: RunningEtcd): Promise<Uint8Array> {
    const file = path.join(from.directory, `snapshot-${Math.random()}.db`);
    await from.etcdctl('snapshot', 'save', file);
    return readFile(file);
  }

  async function run(host: Host, input: EtcdRestoreInput = FROM, now = NOW, options: NodeOptions = NODE) {
    const clock = createFixedClock(now);
    const kinds = createChangeRegistry([...hostChangeKinds(host), createDataRestoreKind({ host, clock })]);
    const deps = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
    const node = openNode(options, { host, clock });
    const playbook = { id: 'etcd-restore', title: 'Restore', phases: createRestorePhases(node, input) };
    const confirm = async (): Promise<boolean> => true;
    const result = await runPlaybook({ playbook, selection: {}, confirm, signal }, deps);
    return { result, rollback: () => rollbackRun(result.runId ?? '', deps) };
  }

  it('makes a cluster of one member from the snapshot, keeps the old data, and rolls back to it', async () => {
    const host = createRestoreNode(tree, snapshot);
    const old = await readTree(host, MEMBER);
    const { result, rollback } = await run(host);
    expect(result.outcome).toBe('done');
    expect(result.steps.filter((step) => step.result === 'done').map(({ step }) => step)).toEqual([
      ...['etcd-restore/keep-manifests', 'etcd-restore/stop', 'etcd-restore/data', 'etcd-restore/start'],
      ...(canRaise ? [] : ['etcd-restore/kubelet']),
      'etcd-restore/tidy',
    ]);
    const { values } = await inspectSnapshotFile(
      { path: hostPath(`${MEMBER}/snap/db`), keys: ['/registry/kept'] },
      { host },
    );
    expect(Buffer.from(values.get('/registry/kept') ?? []).toString()).toBe('yes');
    const names = (await host.list(DATA)) ?? [];
    const kept = names.find((name) => name.startsWith('member-before-')) ?? '';
    expect([...(await readTree(host, hostPath(`${DATA}/${kept}`))).values()]).toEqual([...old.values()]);
    const { notReverted } = await rollback();
    expect(notReverted).toEqual([]);
    expect(await readTree(host, MEMBER)).toEqual(old);
  });

  it('restarts the kubelet once where etcd cannot raise its revision, and again when it is rolled back', async () => {
    const host = createRestoreNode(tree, snapshot);
    const kubelet = async () => (await host.processes()).find(({ argv }) => argv[0] === '/usr/bin/kubelet')?.pid;
    expect(await kubelet()).toBe(1);
    const { rollback } = await run(host);
    expect(await kubelet()).toBe(canRaise ? 1 : 2);
    expect((await run(host)).result.outcome).toBe('nothing-to-do');
    expect(await kubelet()).toBe(canRaise ? 1 : 2);
    await rollback();
    expect(await kubelet()).toBe(canRaise ? 1 : 3);
  });

  it('leaves a kubelet alone that is no service here, and warns', async () => {
    const host = createRestoreNode(tree, snapshot);
    const { result } = await run(host, FROM, NOW, { ...NODE, kubeletService: 'another' });
    const kubelet = result.steps.find(({ step }) => step === 'etcd-restore/kubelet');
    if (canRaise) expect(kubelet?.warnings ?? []).toEqual([]);
    else expect(kubelet?.warnings?.join('\n')).toContain('restart the kubelet by hand');
    expect((await host.processes())[0]?.pid).toBe(1);
  });

  it('is not repeated for the same file, except when it is asked for; then the revision is higher still', async () => {
    const host = createRestoreNode(tree, snapshot);
    await run(host);
    const first = await readRestoreMark(MEMBER, { host });
    expect((await run(host)).result.outcome).toBe('nothing-to-do');
    const { result } = await run(host, { ...FROM, again: true }, new Date(NOW.getTime() + 60_000));
    expect(result.outcome).toBe('done');
    const second = await readRestoreMark(MEMBER, { host });
    expect(second?.source).toBe(first?.source);
    expect(second?.value).not.toBe(first?.value);
  });

  it('says what the file is, what is lost, and that this etcd cannot raise its revision', async () => {
    const { result } = await run(createRestoreNode(tree, snapshot));
    const data = result.steps.find(({ step }) => step === 'etcd-restore/data');
    expect(data?.evidence[0]).toMatch(/^\/root\/etcd\.db: \d+ bytes, revision 3, its hash is right$/);
    expect(data?.evidence.join('\n')).toContain('the present database cannot be read');
    expect(data?.warnings?.join('\n')).toMatch(/cannot raise its revision|^$/);
  });

  it('takes the database of a data directory, which has no hash', async () => {
    const host = createRestoreNode(tree, snapshot);
    const database = snapshot.subarray(0, snapshot.length - 32);
    await host.makeDirectory(hostPath(`${OTHER_DATA}/member/snap`), { mode: 0o700 });
    await host.writeFile(hostPath(`${OTHER_DATA}/member/snap/db`), database, { mode: 0o600 });
    const { result } = await run(host, { from: { kind: 'data-directory', path: OTHER_DATA } });
    expect(result.outcome).toBe('done');
    const data = result.steps.find(({ step }) => step === 'etcd-restore/data');
    expect(data?.evidence.join('\n')).toContain('it has no hash, so that damage cannot be excluded');
    expect(data?.evidence.join('\n')).toContain('its write-ahead log is not read');
  });

  it.each([
    ['ETCD_SNAPSHOT_INVALID', (bytes: Uint8Array) => bytes.with(bytes.length - 5000, (bytes.at(-5000) ?? 0) ^ 1)],
    ['ETCD_DATABASE_INVALID', () => new Uint8Array(8192)],
  ] as const)('refuses a damaged file with %s, and writes nothing', async (code, damage) => {
    const host = createRestoreNode(tree, damage(snapshot));
    const before = await readTree(host, hostPath('/etc'));
    await expectCode(run(host), code);
    expect(await readTree(host, hostPath('/etc'))).toEqual(before);
    expect(await host.list(DATA)).toEqual(['member']);
  });

  it('refuses a snapshot of another cluster, unless it is accepted', async () => {
    const other = await startEtcd();
    try {
      await putClusterIdentity(other, (await buildPki({ now: NOW })).pairs.ca.certificate);
      const host = createRestoreNode(tree, await snapshotOf(other));
      const error = await expectCode(run(host), 'ETCD_OTHER_CLUSTER');
      expect(error.message).toContain('clients of another CA than the CA of this node');
      expect((await run(host, { ...FROM, acceptOtherCluster: true })).result.outcome).toBe('done');
    } finally {
      await other.stop();
    }
  });

  it('refuses a file that holds no Kubernetes cluster', async () => {
    const empty = await startEtcd();
    try {
      await empty.etcdctl('put', 'a', 'b');
      const error = await expectCode(run(createRestoreNode(tree, await snapshotOf(empty))), 'ETCD_OTHER_CLUSTER');
      expect(error.message).toContain('no Kubernetes cluster');
    } finally {
      await empty.stop();
    }
  });

  it('starts as another cluster, of this node alone, that serves the restored keys', async () => {
    const host = createRestoreNode(tree, snapshot);
    await run(host);
    const target = path.join(etcd.directory, 'restored');
    const local = createLocalHost();
    for (const [file, entry] of await readTree(host, MEMBER)) {
      if (entry.kind !== 'file') continue;
      const real = hostPath(`${target}${file.slice(DATA.length)}`);
      await local.makeDirectory(hostPath(path.dirname(real)), { mode: 0o700 });
      await writeFile(real, entry.bytes);
    }
    const restored = await startEtcd({ dataDir: target, arguments: ['--name=node01'] });
    try {
      expect(await restored.etcdctl('get', '--print-value-only', '/registry/kept')).toBe('yes\n');
      expect(await restored.etcdctl('member', 'list')).toMatch(
        /^\w+, started, node01, https:\/\/10\.9\.0\.11:2380, .*\n$/,
      );
      const clusterOf = async (each: RunningEtcd): Promise<unknown> =>
        JSON.parse(await each.etcdctl('endpoint', 'status', '-w', 'json'))[0].Status.header.cluster_id;
      expect(await clusterOf(restored)).not.toBe(await clusterOf(etcd));
    } finally {
      await restored.stop();
    }
  });
});
