import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildPki } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdNode, startEtcdNode } from '../apps/cli/src/etcd/etcd-node.fixture.ts';
import { expectNoSecret, watchProcesses } from './secret-forms.fixture.ts';

const PATCHED = randomBytes(30).toString('base64url');
const AWS_SECRET = randomBytes(30).toString('base64').replaceAll('=', 'A').slice(0, 40);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A service account token; its signature makes it a secret. */
const TOKEN = `${part({ alg: 'RS256' })}.${part({ sub: 'system:serviceaccount:default:web' })}.${randomBytes(96).toString('base64url')}`;

let node: EtcdNode;
let secrets: readonly string[];
let outputs = '';

async function run(...words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await node.run(...words);
  outputs += stdout + stderr;
  return stdout;
}

async function plantSecret(name: string, data: Readonly<Record<string, string>>, type: string): Promise<void> {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const);
  const metadata = { name, namespace: 'default' };
  await node.create({ apiVersion: 'v1', kind: 'Secret', metadata, type, data: Object.fromEntries(encoded) });
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('no secret of a cluster leaks', () => {
  beforeAll(async () => {
    node = await startEtcdNode();
    const { pairs } = await buildPki({ algorithm: 'ecdsa', expired: ['apiserver'] });
    const { certificate, key } = pairs.apiserver;
    // The first two parts of a token are not secret; its signature is.
    secrets = [...node.pki.privateKeys, key, AWS_SECRET, TOKEN.slice(TOKEN.lastIndexOf('.') + 1), PATCHED];
    await plantSecret('tls', { 'tls.crt': certificate, 'tls.key': key }, 'kubernetes.io/tls');
    await plantSecret('token', { token: TOKEN, 'ca.crt': certificate }, 'Opaque');
    await plantSecret(
      'aws',
      { aws_access_key_id: 'AKIAIOSFODNN7EXAMPLE', aws_secret_access_key: AWS_SECRET },
      'Opaque',
    );
    const template = { containers: [{ name: 'web', env: [{ name: 'AWS_SECRET_ACCESS_KEY', value: AWS_SECRET }] }] };
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': AWS_SECRET };
    const metadata = { name: 'web', namespace: 'default', annotations };
    const pod = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec: template });
    await node.etcd.etcdctl('put', '/registry/pods/default/web', pod);
  });
  afterAll(() => node?.remove());

  it('into any output, journal, plan, report, argument or environment while it is read and changed', async () => {
    const processes = watchProcesses();
    const patch = path.join(node.root, 'var/lib/patch.yaml');
    await writeFile(patch, `stringData:\n  aws_secret_access_key: ${PATCHED}\n`, { mode: 0o600 });
    for (const json of [[], ['--json']]) {
      await run('certs', 'check', '--cluster', '--via', 'etcd', ...json);
      for (const name of ['tls', 'token', 'aws']) await run('etcd', 'get', 'secret', name, '-n', 'default', ...json);
      await run('etcd', 'get', 'pod', 'web', '-n', 'default', ...json);
    }
    for (const words of [['triage'], ['pods', 'list'], ['dns', 'check'], ['plan', '--json']]) await run(...words);
    await run('etcd', 'snapshot', '/var/lib/by-hand.db');
    const patchWords = [
      'etcd',
      'patch',
      'secret',
      'aws',
      '-n',
      'default',
      '--file',
      '/var/lib/patch.yaml',
      '--via',
      'etcd',
    ];
    await run(...patchWords, '--dry-run');
    const made = JSON.parse(await run(...patchWords, '--yes', '--json')) as { result?: { runId?: string } };
    const id = made.result?.runId ?? '';
    expect(id).not.toBe('');
    await run('report', id);
    await run('report', id, '--json');
    outputs += await readFile(path.join(node.root, 'var/lib/kube-rescue/runs', id, 'journal.jsonl'), 'utf8');
    await run('rollback', id, '--yes', '--json');
    const seen = processes.stop();
    expect(seen).toContain('patch');
    expectNoSecret(seen, secrets, 'a process');
    expectNoSecret(outputs, secrets);
  });

  it('to another user: all kept files are in directories 0700 and files 0600', async () => {
    const kept = path.join(node.root, 'var/lib/kube-rescue');
    const entries = await readdir(kept, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile()).length).toBeGreaterThan(2);
    const snapshot = await stat(path.join(node.root, 'var/lib/by-hand.db'));
    expect((snapshot.mode & 0o777).toString(8)).toBe('600');
    for (const entry of entries) {
      const { mode } = await stat(path.join(entry.parentPath, entry.name));
      expect((mode & 0o777).toString(8), entry.name).toBe(entry.isDirectory() ? '700' : '600');
    }
  });

  it('though the search finds one that is printed on demand', async () => {
    const shown = await node.run('etcd', 'get', 'secret', 'aws', '-n', 'default', '--show-secrets');
    expect(() => expectNoSecret(shown.stdout, [AWS_SECRET])).toThrow();
  });
});
