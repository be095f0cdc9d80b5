import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { type RunningApiServer, startApiServer } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdNode, startEtcdNode } from '../../apps/cli/src/etcd/etcd-node.fixture.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';

const RELEASE = KUBERNETES_RELEASES['1.20'];

const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one', namespace: 'default' }, type: 'Opaque' };

let node: EtcdNode;
let api: RunningApiServer;

interface Answer {
  readonly exitCode: number | null;
  readonly result: Record<string, unknown> | undefined;
}

async function run(...args: readonly string[]): Promise<Answer> {
  const { exitCode, stdout } = await node.run(...args, '--json');
  return { exitCode, result: (JSON.parse(stdout) as { result?: Record<string, unknown> }).result };
}

async function objectBy(
  via: 'etcd' | 'api',
): Promise<{ data: Record<string, string>; metadata: Record<string, unknown> }> {
  const { result } = await run('etcd', 'get', 'secret', 'one', '--via', via, '--show-secrets');
  return result?.['object'] as Awaited<ReturnType<typeof objectBy>>;
}

beforeAll(async () => {
  const deps = { host: createLocalHost(), clock: systemClock };
  const { directory } = await provideKubernetesBinaries({ ...locateBinaries(process.env), release: RELEASE }, deps);
  node = await startEtcdNode();
  api = await startApiServer({ etcd: node.etcd, binaries: directory });
  // Point the node's manifest at the running API server.
  const manifest = path.join(node.root, 'etc/kubernetes/manifests/kube-apiserver.yaml');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace('--secure-port=6443', `--secure-port=${new URL(api.server).port}`));
  await writeFile(path.join(node.root, 'etc/kubernetes/admin.conf'), await readFile(api.files.kubeconfig));
  await node.create({ ...SECRET, data: { a: 'eA==' } });
});

afterAll(async () => {
  await api?.dispose();
  await node?.remove();
});

describe('etcd patch with a real API server', () => {
  it('uses the API server while it is ready, and etcd has the same object', async () => {
    const done = await run('etcd', 'patch', 'secret', 'one', '--set', 'stringData.a=new', '--yes');
    expect(done.exitCode).toBe(0);
    expect((await objectBy('api')).data).toEqual({ a: 'bmV3' });
    expect(await objectBy('etcd')).toEqual(await objectBy('api'));
    const [entry] =
      ((await run('rollback', String(done.result?.['runId']), '--dry-run')).result?.['changes'] as string[]) ?? [];
    expect(entry).toContain('through the API server');
    expect((await run('rollback', String(done.result?.['runId']), '--yes')).exitCode).toBe(0);
    expect((await objectBy('etcd')).data).toEqual({ a: 'eA==' });
  });

  it('writes to etcd on request, and the API server shows the change', async () => {
    const before = await objectBy('api');
    const done = await run('etcd', 'patch', 'secret', 'one', '--set', 'stringData.b=more', '--via', 'etcd', '--yes');
    expect(done.exitCode).toBe(0);
    const after = await objectBy('api');
    expect(after.data).toEqual({ a: 'eA==', b: 'bW9yZQ==' });
    expect({ ...after.metadata, resourceVersion: '' }).toEqual({ ...before.metadata, resourceVersion: '' });
  });

  it('is rolled back through etcd, not through the API server, when that is down', async () => {
    const viaApi = await run('etcd', 'patch', 'secret', 'one', '--set', 'stringData.c=x', '--via', 'api', '--yes');
    const viaEtcd = await run('etcd', 'patch', 'secret', 'one', '--set', 'stringData.d=y', '--via', 'etcd', '--yes');
    await api.stop();
    expect((await run('rollback', String(viaEtcd.result?.['runId']), '--yes')).exitCode).toBe(0);
    expect((await run('rollback', String(viaApi.result?.['runId']), '--yes')).exitCode).toBe(6);
    await api.start();
    expect((await run('rollback', String(viaApi.result?.['runId']), '--yes')).exitCode).toBe(0);
    expect((await objectBy('api')).data).toEqual({ a: 'eA==', b: 'bW9yZQ==' });
    expect(await api.log()).not.toMatch(/unable to (decode|transform)|illegal|corrupt/i);
  });
});
