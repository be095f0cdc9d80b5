import { type Clock, createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { createFakeHost, expectCode, type NodeEtcd, type NodeTree, startNodeEtcd, treeOf } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  hostChangeKinds,
  openRunStore,
  type Playbook,
  runPlaybook,
  type RunResult,
  type Step,
} from '@kube-rescue/workflow';
import { RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Node, openNode } from '@kube-rescue/node';
import { createSnapshotPhases } from './etcd-snapshot-phases.ts';
import { inspectEtcd, triageNode } from '@kube-rescue/diagnosis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const API_SERVER = hostPath('/etc/kubernetes/manifests/kube-apiserver.yaml');
const SNAPSHOTS = hostPath('/var/lib/kube-rescue/snapshots');
const signal = new AbortController().signal;

let node: NodeEtcd;

beforeAll(async () => {
  node = await startNodeEtcd({ members: 3 });
  await node.etcd.etcdctl(
    'put',
    '/registry/namespaces/default',
    '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"default"}}',
  );
});

afterAll(() => node.etcd.stop());

/** Files in memory, sockets of this machine. */
function open(tree: NodeTree, freeBytes?: number, clock: Clock = systemClock): Node {
  const { connect } = createLocalHost();
  return openNode(OPTIONS, { host: { ...createFakeHost({ tree, freeBytes }), connect }, clock });
}

function withFlag(flag: string, more: NodeTree = new Map()): NodeTree {
  const entry = node.tree.get(API_SERVER);
  const text = Buffer.from(entry?.kind === 'file' ? entry.bytes : []).toString();
  const edited = text.replace('    - --allow-privileged=true\n', `    - --allow-privileged=true\n    - ${flag}\n`);
  return new Map([...node.tree, ...more, [API_SERVER, { kind: 'file', bytes: Buffer.from(edited), mode: 0o600 }]]);
}

/** A small recovery: an early snapshot when etcd is reachable, one step, a late snapshot otherwise. */
function playbookOf(opened: Node, hasWork = true): Playbook {
  let done = !hasWork;
  const work: Step = {
    ...{ id: 'work', title: 'work', requires: [], reversible: 'yes' },
    check: async () => ({ status: done ? 'ok' : 'needed', summary: 'work', evidence: [] }),
    plan: () => [],
    apply: async () => {
      done = true;
    },
    verify: async () => ({ verified: true, evidence: [] }),
  };
  const { early, late } = createSnapshotPhases(opened);
  return {
    id: 'small',
    title: 'Small',
    phases: [early, { id: 'work', title: 'Work', steps: async () => [work] }, late],
  };
}

function run(playbook: Playbook, { machine: host, clock }: Node, skip: readonly string[] = []): Promise<RunResult> {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  const workflow = { host, clock, kinds, store: openRunStore(host), onEvent: () => undefined };
  return runPlaybook({ playbook, selection: { skip }, confirm: async () => true, signal }, workflow);
}

describe('etcd, found by the files of a node,', () => {
  it('is reached and inspected, member by member', async () => {
    const { connection, cluster } = await inspectEtcd(open(node.tree), {}, signal);
    expect(connection?.endpoint).toBe(node.member.endpoint);
    expect(cluster).toMatchObject({ healthy: true, hasQuorum: true, quorum: 2 });
    expect(cluster?.members.map(({ name }) => name).toSorted()).toEqual(['etcd1', 'etcd2', 'etcd3']);
    expect(() => JSON.stringify(cluster)).not.toThrow();
  });

  it('is in the triage, with a working etcdctl line', async () => {
    const { components, etcd, causes } = await triageNode(open(node.tree), signal);
    expect(components.find(({ name }) => name === 'etcd')).toMatchObject({ state: 'running', healthy: true });
    expect(etcd?.connection?.etcdctl).toContain('--cacert=/etc/kubernetes/pki/etcd/ca.crt');
    expect(causes.map(({ code }) => code)).toEqual(['COMPONENT_DOWN']);
    expect(causes[0]?.summary).not.toContain('etcd');
  });

  it('names the member that is down, and keeps quorum', async () => {
    const { cluster } = await inspectEtcd(open(node.tree), {}, signal);
    const names = cluster?.members.filter(({ isLeader }) => !isLeader).map(({ name }) => name) ?? [];
    // Not the first member: the node's files name it. Not the leader: the other members would start an election.
    const down = node.etcd.members.slice(1).find(({ name }) => names.includes(name));
    await down?.stop();
    const { causes } = await triageNode(open(node.tree), signal);
    await down?.start();
    expect(causes.find(({ code }) => code === 'ETCD_MEMBER_DOWN')?.evidence[0]).toContain(down?.name);
  });

  it('is read-only without quorum', async () => {
    const [, second, third] = node.etcd.members;
    await Promise.all([second?.stop(), third?.stop()]);
    const opened = open(node.tree);
    const search = { timeoutMs: 5000 };
    try {
      const report = await inspectEtcd(opened, search, signal);
      expect(report).toMatchObject({
        connection: { hasQuorum: false },
        cluster: { hasQuorum: false, consistency: 'serializable' },
      });
      const objects = await opened.openObjects({ via: 'etcd', search }, signal);
      expect(objects.mayWrite).toBe(false);
      expect(await objects.store.get({ kind: RESOURCE_KINDS.Namespace, name: 'default' })).toBeDefined();
      await objects.close();
    } finally {
      await Promise.all([second?.start(), third?.start()]);
    }
  });

  it('is reported with its endpoint when it hangs', async () => {
    const hung = await startNodeEtcd();
    hung.member.pause();
    const opened = open(hung.tree);
    const { connection, problem } = await inspectEtcd(opened, { timeoutMs: 700 }, signal);
    expect({ connection, problem }).toEqual({
      connection: null,
      problem: expect.stringContaining(hung.member.endpoint),
    });
    hung.member.resume();
    await hung.etcd.stop();
  });

  it('is refused with an expired certificate, unless that is accepted', async () => {
    const old = await startNodeEtcd({ expired: ['etcd/server'] });
    const opened = open(old.tree);
    const error = await expectCode(opened.etcd({}, signal), 'ETCD_NO_WORKING_CREDENTIALS');
    expect(error.message).toContain('expired');
    const { client, connection } = await opened.etcd({ acceptExpiredServer: true }, signal);
    expect(connection.isServerExpired).toBe(true);
    client.close();
    await old.etcd.stop();
  });
});

describe('the objects in etcd', () => {
  const secret = { kind: RESOURCE_KINDS.Secret, name: 'one', namespace: 'default' };
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'one', namespace: 'default' },
    data: { a: 'eA==' },
  };

  it('are kept below the prefix of the API server', async () => {
    await node.etcd.etcdctl('put', '/other/secrets/default/one', JSON.stringify(object));
    const opened = open(withFlag('--etcd-prefix=/other'));
    const objects = await opened.openObjects({ via: 'etcd', search: {} }, signal);
    expect((await objects.store.get(secret))?.object.data).toEqual({ a: 'eA==' });
    await objects.close();
  });

  it('are written as the API server encrypts them', async () => {
    const file = hostPath('/etc/kubernetes/pki/encryption.yaml');
    const keys = [{ name: 'k1', secret: Buffer.alloc(32, 7).toString('base64') }];
    const rule = { resources: ['secrets'], providers: [{ aescbc: { keys } }, { identity: {} }] };
    const text = JSON.stringify({
      kind: 'EncryptionConfiguration',
      apiVersion: 'apiserver.config.k8s.io/v1',
      resources: [rule],
    });
    const opened = open(withFlag(`--encryption-provider-config=${file}`, treeOf({ [file]: text })));
    const objects = await opened.openObjects({ via: 'etcd', search: {} }, signal);
    await objects.store.create(RESOURCE_KINDS.Secret, object);
    expect((await objects.store.get(secret))?.object.data).toEqual({ a: 'eA==' });
    await objects.close();
    expect(await node.etcd.etcdctl('get', '--print-value-only', '/registry/secrets/default/one')).toContain(
      'k8s:enc:aescbc:v1:k1:',
    );
  });

  it('are left alone when the encryption configuration cannot be read', async () => {
    const search = { via: 'etcd', search: {} } as const;
    for (const file of ['/etc/kubernetes/pki/gone.yaml', '/in/the/container.yaml']) {
      const opened = open(withFlag(`--encryption-provider-config=${file}`));
      await expectCode(opened.openObjects(search, signal), 'ENCRYPTION_UNREADABLE');
    }
  });
});

describe('the snapshot of a recovery', () => {
  it('is taken before the first change when etcd is reachable, readable by root only', async () => {
    const opened = open(node.tree);
    const { steps } = await run(playbookOf(opened), opened);
    expect(steps.map(({ step, result }) => `${step} ${result}`)).toEqual(['backup/etcd-snapshot done', 'work done']);
    const [name = ''] = (await opened.machine.list(SNAPSHOTS)) ?? [];
    expect(steps[0]?.evidence[0]).toContain(`${SNAPSHOTS}/${name}`);
    expect((await opened.machine.stat(hostPath(`${SNAPSHOTS}/${name}`)))?.mode).toBe(0o600);
    expect((await opened.machine.stat(SNAPSHOTS))?.mode).toBe(0o700);
  });

  it('is not taken when there is nothing to do, nor when it is skipped', async () => {
    const opened = open(node.tree);
    expect((await run(playbookOf(opened, false), opened)).outcome).toBe('nothing-to-do');
    const { steps } = await run(playbookOf(opened), opened, ['backup']);
    expect(steps.map(({ step, result }) => `${step} ${result}`)).toEqual(['backup/etcd-snapshot skipped', 'work done']);
    expect(await opened.machine.list(SNAPSHOTS)).toBeUndefined();
  });

  it('blocks the first write without disk space for it', async () => {
    const opened = open(node.tree, 10_000_000);
    const error = await expectCode(run(playbookOf(opened), opened), 'WORKFLOW_BLOCKED');
    expect(error.message).toContain('not enough disk space for a snapshot');
    expect(error.hint).toContain('--skip backup');
    expect((await run(playbookOf(opened), opened, ['backup'])).outcome).toBe('done');
  });

  it('is taken late when etcd was down at first', async () => {
    const late = await startNodeEtcd();
    const opened = open(late.tree);
    await late.member.stop();
    const playbook = playbookOf(opened);
    const [early, work, after] = playbook.phases;
    const phases = [early, work, after].flatMap((phase) => phase ?? []);
    const starting = phases.map((phase) => {
      if (phase.id !== 'work') return phase;
      const steps = async (): Promise<readonly Step[]> => {
        const [step] = await phase.steps(signal);
        return step === undefined
          ? []
          : [
              {
                ...step,
                apply: async (...args) => {
                  await step.apply(...args);
                  await late.member.start();
                },
              },
            ];
      };
      return { ...phase, steps };
    });
    const { steps } = await run({ ...playbook, phases: starting }, opened);
    expect(steps.map(({ step, result }) => `${step} ${result}`)).toEqual(['work done', 'backup/etcd-snapshot done']);
    expect(await opened.machine.list(SNAPSHOTS)).toHaveLength(1);
    await late.etcd.stop();
  });

  it('does not fail a recovery when it is missing, but warns', async () => {
    const down = await startNodeEtcd();
    await down.member.stop();
    let ms = 0;
    const clock = { now: () => new Date(ms), sleep: async () => void (ms += 1000) };
    const opened = open(down.tree, undefined, clock);
    const { outcome, steps } = await run(playbookOf(opened), opened);
    expect(outcome).toBe('done');
    expect(steps.at(-1)?.warnings?.[0]).toContain('no snapshot of etcd was taken: ');
    await down.etcd.stop();
  });
});
