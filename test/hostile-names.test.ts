import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { issueCertificate } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdNode, startEtcdNode } from '../apps/cli/src/etcd/etcd-node.fixture.ts';

/**
 * Escape sequences that set the window title, clear the screen (also without ESC), overwrite the line, and reverse the
 * text.
 */
const EVIL = '\u001b]0;owned\u0007\u001b[2J\u009b2J\rgone\u202eback';
// oxlint-disable-next-line no-control-regex -- the characters that must not be printed
const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const DAY_MS = 24 * 60 * 60 * 1000;

let node: EtcdNode;

/** Writes an object to etcd, as an attacker with access to etcd or an aggregated API could. */
async function plantObject(key: string, object: object): Promise<void> {
  await node.etcd.etcdctl('put', `/registry/${key}`, JSON.stringify(object));
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('names made to deceive the reader of a terminal', () => {
  beforeAll(async () => {
    node = await startEtcdNode();
    const labels = { 'k8s-app': 'kube-scheduler' };
    const metadata = { name: `kube-scheduler${EVIL}`, namespace: 'kube-system', labels, annotations: { note: EVIL } };
    const spec = {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: EVIL, command: ['kube-scheduler', EVIL] }] } },
    };
    await plantObject(`deployments/kube-system/${metadata.name}`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec,
    });
    await plantObject(`pods/kube-system/${metadata.name}`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { ...spec.template.spec, nodeName: EVIL },
      status: { phase: EVIL, message: EVIL, conditions: [{ type: 'Ready', status: 'False', message: EVIL }] },
    });
    await plantObject(`minions/${EVIL}`, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `cp${EVIL}`, labels: { 'node-role.kubernetes.io/master': EVIL } },
      status: {
        nodeInfo: { kubeletVersion: EVIL },
        conditions: [{ type: 'Ready', status: 'False', reason: EVIL, message: EVIL }],
      },
    });
    await plantObject(`configmaps/default/evil`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'evil', namespace: 'default', annotations: { note: EVIL } },
      data: { [EVIL]: EVIL },
    });
    const certificate = await issueCertificate({
      subject: `/CN=evil\u001b]0;owned\u0007`,
      extensions: ['subjectAltName=DNS:evil.example.test'],
      key: node.pki.pairs.ca.key,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
    });
    const kubernetes = path.join(node.root, 'etc/kubernetes');
    await writeFile(path.join(kubernetes, 'pki/apiserver.crt'), certificate);
    await mkdir(path.join(kubernetes, `pki/${EVIL}`), { recursive: true });
    await writeFile(path.join(kubernetes, `pki/${EVIL}.crt`), certificate);
    await writeFile(path.join(kubernetes, `manifests/${EVIL}.yaml`), `kind: Pod\nmetadata: {name: "x${EVIL}"}\n`);
  });
  afterAll(() => node?.remove());

  it.each([
    [['triage']],
    [['certs', 'check']],
    [['certs', 'check', '--cluster', '--via', 'etcd']],
    [['certs', 'inspect', '/etc/kubernetes/pki/apiserver.crt']],
    [['manifests', 'list']],
    [['pods', 'list']],
    [['nodes', 'list']],
    [['etcd', 'status']],
    [['etcd', 'get', 'configmap', 'evil', '--namespace', 'default']],
    [['etcd', 'get', 'nodes']],
    [['plan']],
    [['recover', '--yes']],
    [['rollback', EVIL]],
    [['runs']],
    [[EVIL]],
  ])('are printed escaped: %j', async (words) => {
    for (const json of [[], ['--json']]) {
      const { stdout, stderr } = await node.run(...words, ...json);
      expect(`${stdout}${stderr}`.length).toBeGreaterThan(0);
      for (const text of [stdout, stderr]) {
        const at = text.search(CONTROL_CHARACTERS);
        expect(at === -1 ? '' : JSON.stringify(text.slice(Math.max(at - 80, 0), at + 20)), words.join(' ')).toBe('');
      }
    }
  });

  it('are really printed: some of these commands show them', async () => {
    const shown = await Promise.all([
      node.run('certs', 'inspect', '/etc/kubernetes/pki/apiserver.crt'),
      node.run('etcd', 'get', 'configmap', 'evil', '--namespace', 'default'),
    ]);
    for (const { stdout, stderr } of shown) expect(stdout + stderr).toMatch(/\\x1b|\\u001b|\\1B|\\e\]/);
  });
});
