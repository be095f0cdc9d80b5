import { createDataRestoreKind, inspectSnapshotFile, readRestoreMark } from '@kube-rescue/etcd-access/restore';
import { type Host, hostPath } from '@kube-rescue/host';
import { listVoters, openNode } from '@kube-rescue/node';
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
import {
  createRestoreNode,
  DATA,
  putClusterIdentity,
  saveFirstMember,
  SNAPSHOT,
  treeOfJoined,
} from './restore-node.fixture.ts';
import { createRestorePhases } from './restore-playbook.ts';
import type { EtcdRestoreInput } from './restore-source.ts';

const NODE = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const NOW = new Date('2026-11-22T12:00:00Z');
const MEMBER = hostPath(`${DATA}/member`);
const MANIFEST = hostPath('/etc/kubernetes/manifests/etcd.yaml');
const OWN = { kind: 'data-directory', path: DATA } as const;
const WITHOUT = ['etcd2', 'etcd3'];
const signal = new AbortController().signal;

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('the last of three members of etcd', () => {
  let etcd: RunningEtcd;
  let tree: NodeTree;
  let snapshot: Uint8Array;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3, pki: false });
    const pki = await buildPki({ now: NOW, algorithm: 'ecdsa', nodeName: 'etcd1' });
    const [, ...others] = etcd.members;
    tree = treeOfJoined(
      pki.tree,
      others.map(({ name, peerUrl }) => `${name}=${peerUrl}`),
    );
    await putClusterIdentity(etcd, pki.pairs.ca.certificate);
    await etcd.etcdctl('put', '/registry/kept', 'yes');
    snapshot = saveFirstMember(etcd);
  });
  afterAll(() => etcd.stop());

  const lastMember = (answering: readonly string[] = []): Host =>
    createRestoreNode(tree, snapshot, undefined, { answering });
  const manifestOf = async (host: Host): Promise<string> =>
    Buffer.from((await host.readFile(MANIFEST)) ?? []).toString();

  async function run(host: Host, input: Partial<EtcdRestoreInput> = { without: WITHOUT }, now = NOW) {
    const clock = createFixedClock(now);
    const kinds = createChangeRegistry([...hostChangeKinds(host), createDataRestoreKind({ host, clock })]);
    const deps = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
    const node = openNode(NODE, { host, clock });
    const phases = createRestorePhases(node, { from: OWN, ...input });
    const playbook = { id: 'etcd-restore', title: 'Restore', phases };
    const result = await runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, deps);
    return { result, node, rollback: () => rollbackRun(result.runId ?? '', deps) };
  }

  it('becomes a cluster of its own from its own data, and its manifest names it alone', async () => {
    const host = lastMember();
    const { result, node } = await run(host);
    expect(result.outcome).toBe('done');
    const keys = ['/registry/kept'];
    const { values } = await inspectSnapshotFile({ path: hostPath(`${MEMBER}/snap/db`), keys }, { host });
    expect(Buffer.from(values.get('/registry/kept') ?? []).toString()).toBe('yes');
    // etcd 3.4 leaves the members of before in its database.
    expect((await listVoters(node, signal))?.members.map(({ name }) => name)).toEqual(['etcd1']);
    const manifest = await manifestOf(host);
    expect(manifest).toContain('--initial-cluster=etcd1=https://10.9.0.11:2380"\n');
    expect(manifest).toContain('--initial-cluster-state=new\n');
    const data = result.steps.find(({ step }) => step === 'etcd-restore/data');
    expect(data?.evidence.join('\n')).toContain('its write-ahead log is not read');
  });

  it('is not restored twice, unless it is asked for', async () => {
    const host = lastMember();
    await run(host);
    const first = await readRestoreMark(MEMBER, { host });
    expect((await run(host)).result.outcome).toBe('nothing-to-do');
    const later = new Date(NOW.getTime() + 60_000);
    // Its members are those of now: none is left to forget.
    await expectCode(run(host, { without: WITHOUT, again: true }, later), 'ETCD_MEMBER_UNKNOWN');
    expect(await readRestoreMark(MEMBER, { host })).toEqual(first);
  });

  it('gets its old data and its old manifest back by a rollback, and can be restored again', async () => {
    const host = lastMember();
    const [data, manifest] = [await readTree(host, MEMBER), await manifestOf(host)];
    const { rollback } = await run(host);
    expect(await manifestOf(host)).not.toBe(manifest);
    expect((await rollback()).notReverted).toEqual([]);
    expect(await readTree(host, MEMBER)).toEqual(data);
    expect(await manifestOf(host)).toBe(manifest);
    const again = await run(host, undefined, new Date(NOW.getTime() + 60_000));
    expect(again.result.outcome).toBe('done');
  });

  it('is restored from a snapshot as well', async () => {
    const { result } = await run(lastMember(), { from: { kind: 'snapshot', path: SNAPSHOT }, without: WITHOUT });
    expect(result.outcome).toBe('done');
  });

  it.each([
    ['when no other member is named', {}, [], 'LAYOUT_UNSUPPORTED', '--without etcd2,etcd3'],
    ['when one is not named', { without: ['etcd2'] }, [], 'ETCD_RESTORE_REFUSED', 'etcd3 is not named'],
    ['when this one is named', { without: ['etcd1', ...WITHOUT] }, [], 'ETCD_RESTORE_REFUSED', 'etcd1 is this node'],
    ['when a name is unknown', { without: ['etcd9'] }, [], 'ETCD_MEMBER_UNKNOWN', 'it has etcd1,etcd2,etcd3'],
    ['when a named one answers', { without: WITHOUT }, [1], 'ETCD_RESTORE_REFUSED', 'etcd2 still answers'],
    ['when one that is not named answers', { without: ['etcd3'] }, [1], 'ETCD_RESTORE_REFUSED', 'etcd2 still answers'],
  ] as const)('is refused %s, and nothing is written', async (_title, input, answering, code, message) => {
    const ports = answering.map((index) => new URL(etcd.members[index]?.peerUrl ?? '').host);
    const host = lastMember(ports);
    const [files, data] = [await readTree(host, hostPath('/etc')), await readTree(host, DATA)];
    const error = await expectCode(run(host, input), code);
    expect(`${error.message}; ${error.hint}`).toContain(message);
    expect(await readTree(host, hostPath('/etc'))).toEqual(files);
    expect(await readTree(host, DATA)).toEqual(data);
  });

  it('is refused for members that only the snapshot knows, when one of them answers', async () => {
    const alone = await buildPki({ now: NOW, algorithm: 'ecdsa', nodeName: 'etcd1' });
    const host = createRestoreNode(alone.tree, snapshot, undefined, {
      answering: [new URL(etcd.members[2]?.peerUrl ?? '').host],
    });
    await host.writeFile(hostPath(`${MEMBER}/snap/db`), Buffer.from('damaged'), { mode: 0o600 });
    const from = { kind: 'snapshot', path: SNAPSHOT } as const;
    const error = await expectCode(run(host, { from, without: WITHOUT }), 'ETCD_RESTORE_REFUSED');
    expect(error.message).toContain('etcd3 still answers');
  });
});
