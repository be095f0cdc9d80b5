import { hostPath } from '@kube-rescue/host';
import { type NodeTree, treeOf } from '@kube-rescue/testing';
import type { Finding, Step } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { type Api, BEFORE_START, FRESH, nodeOf, pki } from './gate-node.fixture.ts';
import { createLeaderGate } from './leader-gate.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';
const OWN = 'node01_6f1c0d5e-0b6c-4f6e-9a2b-0e6a4f0c8b11';
const OTHER = 'node02_0d3d7a2f-58a1-4a53-8a53-6c1f3f0e7c02';
const MANIFEST = '/etc/kubernetes/manifests/kube-scheduler.yaml';

const lease = (holderIdentity: string, renewTime: string): unknown => ({ spec: { holderIdentity, renewTime } });
const annotated = (holderIdentity: string, renewTime: string): unknown => ({
  metadata: {
    annotations: {
      'control-plane.alpha.kubernetes.io/leader': JSON.stringify({ holderIdentity, renewTime }),
    },
  },
});

const gate = (api: Api, running?: boolean, tree?: NodeTree): Step =>
  createLeaderGate('kube-scheduler', nodeOf(api, running, tree), []);
const check = (api: Api, running?: boolean, tree?: NodeTree): Promise<Finding> =>
  gate(api, running, tree).check(new AbortController().signal);

/** The node with other flags of its scheduler. */
function withFlags(change: (manifest: string) => string): NodeTree {
  const entry = pki.tree.get(hostPath(MANIFEST));
  const text = entry?.kind === 'file' ? Buffer.from(entry.bytes).toString() : '';
  expect(change(text)).not.toBe(text);
  return new Map([...pki.tree, ...treeOf({ [MANIFEST]: change(text) })]);
}

describe("the gate of this node's scheduler", () => {
  it('opens when its own process has renewed the lock since it started', async () => {
    const finding = await check({ objects: { [LEASE]: lease(OWN, FRESH) } });
    expect(finding).toMatchObject({ status: 'ok', evidence: [expect.stringContaining(OWN)] });
  });

  it.each([
    ['was renewed before the process started', lease(OWN, BEFORE_START), 'last renewed at 2026-11-22T11:57:00'],
    ['is that of a dead holder on another node', lease(OTHER, BEFORE_START), `by ${OTHER}`],
    ['has no holder: it was released', lease('', FRESH), 'the lock kube-system/kube-scheduler has no holder'],
  ])('stays shut when the lock %s', async (_title, object, reason) => {
    const finding = await check({ objects: { [LEASE]: object }, healthz: 200 });
    expect(finding).toMatchObject({ status: 'needed', summary: expect.stringContaining(reason) });
  });

  it('stays shut without a lock, without an answer, and without a process', async () => {
    expect((await check({})).summary).toContain('has no holder');
    expect((await check({ trusted: false })).summary).toContain('does not answer');
    const finding = await check({ objects: { [LEASE]: lease(OWN, FRESH) } }, false);
    expect(finding.summary).toContain('no process of kube-scheduler runs on this node');
  });

  it('reports the reason at its timeout', async () => {
    const verdict = await gate({}).verify(new AbortController().signal);
    expect(verdict).toMatchObject({ verified: false, reason: expect.stringContaining('after 120 s') });
  });

  it('knows the holder of a renamed machine by its new name, and not by the name of the node', async () => {
    const tree = new Map([...pki.tree, ...treeOf({ '/proc/sys/kernel/hostname': 'ctl-a\n' })]);
    expect((await check({ objects: { [LEASE]: lease('ctl-a_1', FRESH) } }, true, tree)).status).toBe('ok');
    expect((await check({ objects: { [LEASE]: lease(OWN, FRESH) } }, true, tree)).status).toBe('needed');
  });

  it.each([
    ['Endpoints', '/api/v1/namespaces/kube-system/endpoints/kube-scheduler'],
    ['a ConfigMap', '/api/v1/namespaces/kube-system/configmaps/kube-scheduler'],
  ])('reads the lock of %s, as before 1.20, and believes the latest', async (_kind, path) => {
    expect((await check({ objects: { [path]: annotated(OWN, FRESH) } })).status).toBe('ok');
    const both = { [LEASE]: lease(OTHER, BEFORE_START), [path]: annotated(OWN, FRESH) };
    expect((await check({ objects: both })).status).toBe('ok');
  });

  it('takes the name and the namespace of the lock from flags', async () => {
    const tree = withFlags((text) =>
      text.replace(
        '--leader-elect=true',
        '--leader-elect-resource-name=own\n    - --leader-elect-resource-namespace=ops',
      ),
    );
    const path = '/apis/coordination.k8s.io/v1/namespaces/ops/leases/own';
    expect((await check({ objects: { [path]: lease(OWN, FRESH) } }, true, tree)).status).toBe('ok');
  });
});

describe.each([
  ['another node leads', pki.tree, { [LEASE]: lease(OTHER, FRESH) }],
  ['it elects no leader', withFlags((text) => text.replace('--leader-elect=true', '--leader-elect=false')), {}],
])('while %s, the gate', (_title, tree, objects) => {
  it('opens by its own health and the credentials in its kubeconfig', async () => {
    const finding = await check({ objects, healthz: 200 }, true, tree);
    expect(finding).toMatchObject({
      status: 'ok',
      evidence: [expect.any(String), expect.stringMatching(/of this node has run since .*127\.0\.0\.1:10259\/healthz/)],
    });
  });

  it.each([
    ['it does not answer on its own port', {}, 'is not healthy'],
    ['it is not healthy', { healthz: 500 }, 'answers 500'],
    ['the API server refuses its credentials', { healthz: 200, discovery: 401 }, 'the API server answers 401'],
  ])('stays shut when %s', async (_reason, api, expected) => {
    expect(await check({ ...api, objects }, true, tree)).toMatchObject({
      status: 'needed',
      summary: expect.stringContaining(expected),
    });
  });
});
