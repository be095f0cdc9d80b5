import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BIN, type PlantedNode, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../apps/cli/src/etcd/etcd-node.fixture.ts';

const EXPIRED = ['apiserver', 'etcd/server', 'etcd/peer', 'scheduler.conf'] as const;

describe('beside another writer of the same files', () => {
  let node: PlantedNode;
  let localFiles: string;
  beforeEach(async () => {
    node = await plantNode({ expired: EXPIRED });
    localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-writers-'));
  });
  afterEach(async () => {
    await node.remove();
    await rm(localFiles, { recursive: true });
  });

  const runs = (): string => path.join(node.root, 'var/lib/kube-rescue/runs');

  it('a plan is not carried out when a file has changed since, and no run starts', async () => {
    const plan = path.join(localFiles, 'plan.json');
    await runCli(['plan', '--out', plan, '--root', node.root]);
    const file = path.join(node.root, 'etc/kubernetes/scheduler.conf');
    const theirs = `${await readFile(file, 'utf8')}# changed by hand\n`;
    await writeFile(file, theirs);
    const ended = await runCli(['recover', '--plan', plan, '--yes', '--json', '--root', node.root]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, error: { code: 'PLAN_STALE' } });
    expect(ended.exitCode).toBe(4);
    expect(await readFile(file, 'utf8')).toBe(theirs);
    expect(await readdir(runs()).catch(() => [])).toEqual([]);
  });

  it('a rollback keeps and reports later changes, and restores the rest', async () => {
    const file = path.join(node.root, 'etc/kubernetes/scheduler.conf');
    const other = path.join(node.root, 'etc/kubernetes/pki/apiserver.crt');
    const old = await readFile(other, 'utf8');
    await runCli(['recover', '--yes', '--root', node.root]);
    await writeFile(file, 'theirs\n');
    const [id = ''] = await readdir(runs());
    const ended = await runCli(['rollback', id, '--yes', '--force', '--json', '--root', node.root]);
    expect(ended.exitCode).toBe(6);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      error: { code: 'ROLLBACK_INCOMPLETE', message: expect.stringContaining('/etc/kubernetes/scheduler.conf') },
    });
    expect(await readFile(file, 'utf8')).toBe('theirs\n');
    expect(await readFile(other, 'utf8')).toBe(old);
  });

  it('a second kube-rescue is refused while the first runs, with the name of the first', async () => {
    const first: ChildProcess = spawn(process.execPath, [BIN, 'recover', '--yes', '--root', node.root], {
      stdio: 'ignore',
    });
    const ended = once(first, 'exit');
    try {
      for (let journal = ''; !journal.includes('intent'); ) {
        const [id = 'none'] = await readdir(runs()).catch(() => []);
        journal = await readFile(path.join(runs(), id, 'journal.jsonl'), 'utf8').catch(() => '');
        if (first.exitCode !== null) throw new Error('the first run ended too early');
      }
      first.kill('SIGSTOP');
      for (const words of [['recover'], ['recover', '--resume'], ['rollback', (await readdir(runs()))[0] ?? '']]) {
        const second = await runCli([...words, '--yes', '--json', '--root', node.root]);
        expect(JSON.parse(second.stdout)).toMatchObject({
          error: { code: 'HOST_LOCKED', subject: expect.stringContaining('run ') },
        });
        expect(second.exitCode).toBe(4);
      }
    } finally {
      first.kill('SIGCONT');
    }
    expect(await ended).toEqual([0, null]);
    expect((await runCli(['certs', 'check', '--root', node.root])).exitCode).toBe(0);
  });
});

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('beside another writer of the same object', () => {
  let node: EtcdNode;
  const get = async (): Promise<Record<string, string>> => {
    const { stdout } = await node.run('etcd', 'get', 'configmap', 'shared', '-n', 'default', '--json');
    return (JSON.parse(stdout) as { result: { object: { data: Record<string, string> } } }).result.object.data;
  };
  const patch = async (...fields: readonly string[]): Promise<string> => {
    const words = fields.flatMap((field) => ['--set', `data.${field}`]);
    const { stdout } = await node.run(
      'etcd',
      'patch',
      'configmap',
      'shared',
      '-n',
      'default',
      ...words,
      '--yes',
      '--json',
    );
    return (JSON.parse(stdout) as { result: { runId: string } }).result.runId;
  };
  beforeAll(async () => {
    node = await startEtcdNode();
    const metadata = { name: 'shared', namespace: 'default' };
    await node.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ours: 'old', theirs: 'old' } });
  });
  afterAll(() => node?.remove());

  it('a rollback restores the fields of its run, and keeps the fields of others', async () => {
    const run = await patch('ours=new');
    await patch('theirs=new');
    const { exitCode } = await node.run('rollback', run, '--yes');
    expect(exitCode).toBe(0);
    expect(await get()).toEqual({ ours: 'old', theirs: 'new' });
  });

  it('a rollback keeps and reports a field that others changed too', async () => {
    const run = await patch('ours=new');
    await patch('ours=newer');
    const { exitCode, stdout } = await node.run('rollback', run, '--yes', '--json');
    expect(exitCode).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'ROLLBACK_INCOMPLETE', message: expect.stringMatching(/ConfigMap default\/shared .*data\.ours/) },
    });
    expect(await get()).toMatchObject({ ours: 'newer' });
  });
});
