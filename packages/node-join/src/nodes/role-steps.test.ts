import { createFakeHost, createFixedClock, expectCode } from '@kube-rescue/testing';
import { rollbackRun, type WorkflowDeps } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { type FakeCluster, fakeCluster, runDeps, runSteps } from '../cluster.fixture.ts';
import {
  createLabelStep,
  createTaintStep,
  parseLabel,
  parseTaint,
  readEarlierNodes,
  type RoleSources,
} from '../index.ts';
import { taintsOf } from './node-object.ts';

const MASTER = 'node-role.kubernetes.io/master';
const { signal } = new AbortController();

function depsOf({ objects }: FakeCluster): WorkflowDeps {
  const unreachable = async (): Promise<never> => Promise.reject(new Error('no worker here'));
  return runDeps(createFakeHost(), createFixedClock('2026-11-22T12:00:00Z'), objects, unreachable);
}

async function taintsAfter(cluster: FakeCluster, sources: RoleSources, node = 'cp1'): Promise<readonly string[]> {
  const step = createTaintStep({ node, sources }, cluster);
  await runSteps([step], depsOf(cluster));
  return taintsOf(await cluster.node(node)).map(({ key, value = '', effect }) => `${key}=${value}:${effect}`);
}

describe('the taints of a node', () => {
  it.each([
    ['v1.13.12', [MASTER], [MASTER]],
    ['v1.20.15', [MASTER, 'node-role.kubernetes.io/control-plane'], [MASTER]],
    ['v1.24.0', [MASTER, 'node-role.kubernetes.io/control-plane'], [MASTER, 'node-role.kubernetes.io/control-plane']],
    ['v1.30.1', ['node-role.kubernetes.io/control-plane'], ['node-role.kubernetes.io/control-plane']],
    ['v1.30.1', [MASTER], [MASTER]],
    ['v1.20.15', ['node-role.kubernetes.io/control-plane'], ['node-role.kubernetes.io/control-plane']],
  ])("come back by kubeadm's convention (%s, labels %j)", async (version, labels, keys) => {
    const cluster = fakeCluster();
    cluster.plantNode('cp1', { version, labels: Object.fromEntries(labels.map((key) => [key, ''])) });
    expect(await taintsAfter(cluster, {})).toEqual(keys.map((key) => `${key}=:NoSchedule`));
  });

  it('stay as they are on a worker', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('node02', { labels: { 'node-role.kubernetes.io/node': '' } });
    const result = await runSteps([createTaintStep({ node: 'node02', sources: {} }, cluster)], depsOf(cluster));
    expect(result.outcome).toBe('nothing-to-do');
    expect(cluster.store.writes).toBe(0);
  });

  it('are restored from the kubelet flags', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('cp1');
    const kubeletFlags = new Map([['register-with-taints', `${MASTER}=:NoSchedule,team=a:NoExecute,,not a taint`]]);
    expect(await taintsAfter(cluster, { kubeletFlags })).toEqual([`${MASTER}=:NoSchedule`, 'team=a:NoExecute']);
  });

  it('are restored as requested, replace another value, and keep foreign taints', async () => {
    const cluster = fakeCluster();
    const other = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule', timeAdded: '2026-11-22T11:00:00Z' };
    cluster.plantNode('cp1', { taints: [other, { key: 'team', value: 'a', effect: 'NoSchedule' }] });
    const asked = { taints: [parseTaint('team=b:NoSchedule')] };
    expect(await taintsAfter(cluster, { asked })).toEqual([
      'node.kubernetes.io/not-ready=:NoSchedule',
      'team=b:NoSchedule',
    ]);
    expect((await cluster.node('cp1')).spec).toMatchObject({ podCIDR: '10.2.1.0/24', taints: [other, {}] });
  });

  it('are restored from the journal of an earlier run, without those of controllers', async () => {
    const cluster = fakeCluster();
    const gone = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
    cluster.plantNode('cp1', { taints: [{ key: 'dedicated', value: 'db', effect: 'NoExecute' }, gone] });
    const deps = depsOf(cluster);
    await runSteps([createLabelStep({ node: 'cp1', sources: { asked: { labels: { zone: 'a' } } } }, cluster)], deps);
    cluster.plantNode('cp1');
    const earlier = await readEarlierNodes(deps.store, 'cp1');
    expect(await readEarlierNodes(deps.store, 'node02')).toEqual([]);
    expect(await taintsAfter(cluster, { earlier })).toEqual(['dedicated=db:NoExecute']);
  });

  it('are removed by a rollback', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('cp1', { labels: { [MASTER]: '' } });
    const deps = depsOf(cluster);
    const { runId } = await runSteps([createTaintStep({ node: 'cp1', sources: {} }, cluster)], deps);
    expect(taintsOf(await cluster.node('cp1'))).toHaveLength(1);
    expect((await rollbackRun(runId ?? '', deps)).notReverted).toEqual([]);
    expect(taintsOf(await cluster.node('cp1'))).toEqual([]);
  });

  it('are restored despite concurrent writes', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('cp1', { labels: { [MASTER]: '' } });
    let writes = 0;
    const objects = {
      ...cluster.objects,
      open: async () => ({
        ...cluster.store,
        // Between two reads, another process writes an annotation.
        get: async (...input: Parameters<typeof cluster.store.get>) => {
          const found = await cluster.store.get(...input);
          if (found !== undefined && writes < 4) {
            writes += 1;
            const annotations = { [`other-${writes}`]: 'x', ...found.object.metadata.annotations };
            await cluster.store.replace(found, {
              ...found.object,
              metadata: { ...found.object.metadata, annotations },
            });
          }
          return found;
        },
      }),
    };
    await runSteps([createTaintStep({ node: 'cp1', sources: {} }, { objects })], depsOf({ ...cluster, objects }));
    const node = await cluster.node('cp1');
    expect(taintsOf(node)).toEqual([{ key: MASTER, effect: 'NoSchedule' }]);
    expect(Object.keys(node.metadata.annotations ?? {})).toHaveLength(4);
  });

  it('are not set on a missing node', async () => {
    const finding = await createTaintStep({ node: 'cp9', sources: {} }, fakeCluster()).check(signal);
    expect([finding.status, finding.code]).toEqual(['blocked', 'JOIN_NODE_UNKNOWN']);
  });

  it('are unknown while the objects are unreadable', async () => {
    const cluster = fakeCluster();
    const finding = await createTaintStep({ node: '../cp1', sources: {} }, cluster).check(signal);
    expect([finding.status, finding.code]).toEqual(['unknown', 'OBJECT_INVALID']);
  });
});

describe('the labels of a node', () => {
  it('are restored from the kubelet flags, and present ones stay', async () => {
    const cluster = fakeCluster();
    cluster.plantNode('cp1', { labels: { zone: 'b' } });
    const kubeletFlags = new Map([['node-labels', `${MASTER},zone=a,__proto__=x`]]);
    const steps = [
      createLabelStep({ node: 'cp1', sources: { kubeletFlags } }, cluster),
      createTaintStep({ node: 'cp1', sources: { kubeletFlags }, requires: ['nodes/labels/cp1'] }, cluster),
    ];
    await runSteps(steps, depsOf(cluster));
    const { metadata } = await cluster.node('cp1');
    expect(metadata.labels).toEqual({ zone: 'b', [MASTER]: '' });
  });
});

describe('a taint or label as text', () => {
  it.each([
    '',
    'a',
    'a:',
    'a:Never',
    ':NoSchedule',
    'a b:NoSchedule',
    'a=\u001b:NoSchedule',
    '../x:NoSchedule',
    'a/b/c:NoSchedule',
  ])('is not taken for a taint when it is %j', async (text) => {
    await expectCode(
      Promise.resolve().then(() => parseTaint(text)),
      'JOIN_TAINT_INVALID',
    );
  });

  it.each(['', '=x', '../a=b', 'a=b c', 'a=b\n'])('is not taken for a label when it is %j', async (text) => {
    await expectCode(
      Promise.resolve().then(() => parseLabel(text)),
      'JOIN_LABEL_INVALID',
    );
  });

  it('is parsed as by kubectl', () => {
    expect(parseTaint('a.b/c=d:NoExecute')).toEqual({ key: 'a.b/c', value: 'd', effect: 'NoExecute' });
    expect(parseTaint(`${MASTER}=:NoSchedule`)).toEqual({ key: MASTER, effect: 'NoSchedule' });
  });
});
