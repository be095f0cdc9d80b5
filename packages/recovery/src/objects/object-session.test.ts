import {
  createObjectChangeKinds,
  type KubernetesObject,
  type ObjectReplace,
  type ObjectStore,
  RESOURCE_KINDS,
} from '@kube-rescue/cluster-objects';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { createFakeHost, expectCode, type NodeEtcd, startNodeEtcd } from '@kube-rescue/testing';
import {
  type ChangeKind,
  createChangeRegistry,
  openRunStore,
  rollbackRun,
  runPlaybook,
  type WorkflowDeps,
} from '@kube-rescue/workflow';
import { createObjectPatchPlaybook } from './object-patch-playbook.ts';
import { type Node, type NodeObjects, openNode } from '@kube-rescue/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const OPTIONS = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const signal = new AbortController().signal;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let node: NodeEtcd;
let opened: Node;
let workflow: WorkflowDeps;
let objects: NodeObjects;
let count = 0;
let name: string;

beforeAll(async () => {
  node = await startNodeEtcd();
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
  await node.etcd.etcdctl('put', '/registry/namespaces/default', JSON.stringify(namespace));
  const { connect } = createLocalHost();
  const host = { ...createFakeHost({ tree: node.tree }), connect };
  opened = openNode(OPTIONS, { host, clock: systemClock });
  const kinds = createChangeRegistry(createObjectChangeKinds(opened.objects.open));
  workflow = { host, clock: systemClock, kinds, store: openRunStore(host), onEvent: () => undefined };
  objects = await opened.openObjects({ via: 'etcd', search: {} }, signal);
});

afterAll(async () => {
  await objects.close();
  await opened.close();
  await node.etcd.stop();
});

beforeEach(async () => {
  count += 1;
  name = `secret-${count}`;
  const metadata = { name, namespace: 'default' };
  await objects.store.create(RESOURCE_KINDS.Secret, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data: { a: base64('old') },
  });
});

function replaceKind(): ChangeKind {
  const kind = workflow.kinds.get('object.replace');
  if (kind === undefined) throw new Error('object.replace is not registered');
  return kind;
}

function reference() {
  return { kind: RESOURCE_KINDS.Secret, name, namespace: 'default' };
}

async function read(store: ObjectStore = objects.store): Promise<KubernetesObject | undefined> {
  return (await store.get(reference()))?.object;
}

async function edit(change: (object: KubernetesObject) => KubernetesObject): Promise<void> {
  const stored = await objects.store.get(reference());
  if (stored !== undefined) await objects.store.replace(stored, change(stored.object));
}

async function patch(): Promise<{ readonly runId: string; readonly change: ObjectReplace }> {
  const input = {
    object: reference(),
    patch: { data: { a: base64('new') } },
    via: 'etcd',
    search: {},
  } as const;
  const playbook = createObjectPatchPlaybook(opened, input);
  const { runId = '', plan } = await runPlaybook(
    { playbook, selection: {}, confirm: async () => true, signal },
    workflow,
  );
  return { runId, change: plan.entries[0]?.changes[0] as ObjectReplace };
}

describe('object.replace', () => {
  it('is rolled back to the old content, and only once', async () => {
    const before = await read();
    const { runId } = await patch();
    expect((await read())?.data).toEqual({ a: base64('new') });
    expect(await rollbackRun(runId, workflow)).toMatchObject({ undone: 1, notReverted: [] });
    expect({ ...(await read()), metadata: undefined }).toEqual({ ...before, metadata: undefined });
    expect(await rollbackRun(runId, workflow)).toMatchObject({ undone: 0, notReverted: [] });
  });

  it('leaves alone an object that another client recreated or deleted', async () => {
    for (const again of [true, false]) {
      const { runId } = await patch();
      const stored = await objects.store.get(reference());
      if (stored === undefined) throw new Error('object not found');
      await objects.store.delete(stored);
      const { uid: _gone, resourceVersion: _old, ...metadata } = stored.object.metadata;
      if (again) await objects.store.create(RESOURCE_KINDS.Secret, { ...stored.object, metadata });
      const { notReverted } = await rollbackRun(runId, workflow);
      expect(notReverted.map(({ reason }) => reason)).toEqual([
        `Secret default/${name} was deleted or recreated by another client since`,
      ]);
      if (again) await edit((object) => ({ ...object, data: { a: base64('old') } }));
    }
  });

  it('writes nothing when another client has changed the object', async () => {
    const { change } = await patch();
    const kind = replaceKind();
    await edit((object) => ({ ...object, data: { a: base64('theirs') } }));
    expect(await kind.staleness(change)).toContain('was changed by another client');
    await expectCode(kind.apply(change, Buffer.from('{"metadata":{}}')), 'OBJECT_CONFLICT');
    expect((await read())?.data).toEqual({ a: base64('theirs') });
  });

  it('accepts its own earlier write, as after a kill before the record', async () => {
    const { change } = await patch();
    const written = await objects.store.get(reference());
    await replaceKind().apply(change, Buffer.from('{"metadata":{}}'));
    expect((await objects.store.get(reference()))?.revision).toBe(written?.revision);
  });

  it('keeps values out of the plan and the journal', async () => {
    const { runId, change } = await patch();
    const journal = await opened.machine.readFile(hostPath(`/var/lib/kube-rescue/runs/${runId}/journal.jsonl`));
    for (const text of [JSON.stringify(change), Buffer.from(journal ?? []).toString()]) {
      expect(text).toContain(name);
      for (const value of ['old', 'new']) expect(text).not.toContain(base64(value));
    }
  });
});
