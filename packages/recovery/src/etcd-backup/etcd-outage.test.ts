import { readCaExchange } from '@kube-rescue/cert-rotation/objects';
import { createObjectTrustStep } from '@kube-rescue/cert-rotation/rotation';
import { createObjectChangeKinds, type KubernetesObject, RESOURCE_KINDS } from '@kube-rescue/cluster-objects';
import { type Clock, createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { buildPki, createFakeHost, expectCode, type NodeEtcd, startNodeEtcd } from '@kube-rescue/testing';
import {
  createChangeRegistry,
  openRunStore,
  type Playbook,
  rollbackRun,
  runPlaybook,
  type RunResult,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { type Node, openNode } from '@kube-rescue/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const SECRETS = 200;
const PREFIX = '/registry/secrets/default/';
const SOURCE = { via: 'etcd', search: {} } as const;
const { signal } = new AbortController();

let node: NodeEtcd;
let old: string;
let renewed: string;

beforeAll(async () => {
  node = await startNodeEtcd();
  old = node.pki.pairs.ca.certificate;
  renewed = (await buildPki({ algorithm: 'ecdsa' })).pairs.ca.certificate;
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
  await node.etcd.etcdctl('put', '/registry/namespaces/default', JSON.stringify(namespace));
});
afterAll(() => node?.etcd.stop());

beforeEach(async () => {
  await node.etcd.etcdctl('del', '--prefix', PREFIX);
  const objects = await makeNode().opened.openObjects(SOURCE, signal);
  for (let index = 0; index < SECRETS; index += 1) await objects.store.create(RESOURCE_KINDS.Secret, secretOf(index));
  await objects.close();
});

function secretOf(index: number): KubernetesObject {
  const annotations = { 'kubernetes.io/service-account.name': 'default' };
  const metadata = { name: `token-${String(index).padStart(3, '0')}`, namespace: 'default', annotations };
  const data = { 'ca.crt': Buffer.from(old).toString('base64') };
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata, data };
}

/** Files in memory, sockets of this machine. */
function makeNode(): { readonly opened: Node; readonly host: WorkflowDeps['host'] } {
  const { connect } = createLocalHost();
  const host = { ...createFakeHost({ tree: node.tree }), connect };
  return { opened: openNode(OPTIONS, { host, clock: systemClock }), host };
}

/** @param onChange called with the number of changes so far @param onRetry called when a write is about to be tried again */
function makeRun(timeoutMs: number, onChange: (made: number) => void, onRetry = (): void => undefined) {
  const { opened, host } = makeNode();
  const session = opened.objects;
  const sleep: Clock['sleep'] = (...args) => {
    onRetry();
    return systemClock.sleep(...args);
  };
  const clock: Clock = { ...systemClock, sleep };
  const kinds = createChangeRegistry(createObjectChangeKinds(session.open, { clock, timeoutMs }));
  let made = 0;
  const workflow: WorkflowDeps = {
    ...{ host, clock: systemClock, kinds, store: openRunStore(host) },
    onEvent: ({ type }) => {
      if (type !== 'change-made') return;
      made += 1;
      onChange(made);
    },
  };
  const exchange = readCaExchange({ old, replacement: renewed });
  const step = createObjectTrustStep(
    { id: 'trust', title: 'trust', requires: [], findExchanges: async () => [exchange] },
    { objects: session.access(SOURCE), clock: systemClock },
  );
  const playbook: Playbook = {
    ...{ id: 'trust', title: 'trust' },
    phases: [{ id: 'trust', title: 'trust', steps: async () => [step] }],
  };
  const start = (): Promise<RunResult> =>
    runPlaybook({ playbook, selection: {}, confirm: async () => true, signal }, workflow);
  return { start, session, workflow };
}

/** How often each Secret was written since its creation, and how many hold the new CA. */
async function inspectSecrets(): Promise<{ readonly writes: readonly number[]; readonly renewedOnes: number }> {
  const { kvs } = JSON.parse(await node.etcd.etcdctl('get', '--prefix', PREFIX, '--write-out=json')) as {
    readonly kvs: readonly { readonly version: number; readonly value: string }[];
  };
  const holds = (value: string): boolean => Buffer.from(value, 'base64').includes(renewed);
  return {
    writes: kvs.map(({ version }) => version - 1),
    renewedOnes: kvs.filter(({ value }) => holds(value)).length,
  };
}

const all = (times: number): readonly number[] => Array.from({ length: SECRETS }, () => times);

describe('etcd that is killed while objects are written', () => {
  it.each([1, 60, 130, 199])('after %i of 200 and starts again has lost none and doubled none', async (at) => {
    let outage: Promise<void> | undefined;
    const failed = Promise.withResolvers<void>();
    const run = makeRun(
      60_000,
      (made) => {
        if (made === at) outage = node.member.stop().then(() => failed.promise.then(() => node.member.start()));
      },
      failed.resolve,
    );
    const { outcome } = await run.start();
    await outage;
    expect(outcome).toBe('done');
    expect(await inspectSecrets()).toEqual({ writes: all(1), renewedOnes: SECRETS });
    await run.session.close();
  });

  it('and stays down is named, and every change is rolled back once it is up', async () => {
    const run = makeRun(500, (made) => {
      if (made === 100) void node.member.stop();
    });
    const failed = run.start();
    await expectCode(failed, 'ROLLBACK_INCOMPLETE');
    const [state] = await run.workflow.store.list();
    const id = state?.id ?? '';
    await expect(failed).rejects.toMatchObject({
      hint: expect.stringContaining(`rollback ${id}`) as string,
      message: expect.stringMatching(/not rolled back: 200 changes: [^;]*no connection to etcd/) as string,
    });
    await node.member.start();
    expect((await inspectSecrets()).renewedOnes).toBeGreaterThanOrEqual(100);
    expect((await rollbackRun(id, run.workflow)).notReverted).toEqual([]);
    expect((await inspectSecrets()).renewedOnes).toBe(0);
    expect((await run.start()).outcome).toBe('done');
    expect((await inspectSecrets()).renewedOnes).toBe(SECRETS);
    await run.session.close();
  });
});
