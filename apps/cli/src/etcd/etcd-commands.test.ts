import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSnapshotCommand } from '@kube-rescue/testing';
import { type Ended, plantNode, runCli } from '../cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from './etcd-node.fixture.ts';

const PLANTED = 'hunter2-planted-secret';
const ADDED = 'correct-horse-planted-secret';
const ENCODED = [PLANTED, ADDED].map((secret) => Buffer.from(secret).toString('base64'));

interface Envelope {
  readonly ok: boolean;
  readonly error?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly warnings: readonly string[];
}

let node: EtcdNode;
const outputs: Ended[] = [];

async function run(...args: readonly string[]): Promise<Ended & { readonly envelope: Envelope }> {
  const ended = await node.run(...args, '--json');
  outputs.push(ended);
  return { ...ended, envelope: JSON.parse(ended.stdout) as Envelope };
}

async function text(...args: readonly string[]): Promise<Ended> {
  const ended = await node.run(...args);
  outputs.push(ended);
  return ended;
}

async function secretOf(name: string): Promise<{ data: Record<string, string>; metadata: Record<string, unknown> }> {
  // Not through `run`: this output must hold the secrets.
  const { stdout } = await node.run('etcd', 'get', 'secret', name, '--show-secrets', '--json');
  return (JSON.parse(stdout) as { result: { object: Awaited<ReturnType<typeof secretOf>> } }).result.object;
}

// The node needs namespaces, which need root.
describe.runIf(process.getuid?.() === 0)('on a node without an API server', () => {
  beforeAll(async () => {
    node = await startEtcdNode();
    const data = {
      password: Buffer.from(PLANTED).toString('base64'),
      'ca.crt': Buffer.from('old ca').toString('base64'),
    };
    for (const name of ['one', 'two']) {
      await node.create({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace: 'default' },
        type: 'Opaque',
        data,
      });
    }
    await node.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: 'kube-system', labels: { tier: 'old' } },
      data: { mode: 'slow' },
    });
  });

  afterAll(() => node.remove());

  it('etcd probe prints a working etcdctl command line', async () => {
    const { exitCode, envelope } = await run('etcd', 'probe');
    expect({ exitCode, ok: envelope.ok }).toEqual({ exitCode: 0, ok: true });
    const connection = envelope.result?.['connection'] as { etcdctl: string; endpoint: string };
    expect(connection.endpoint).toBe(node.etcd.endpoints[0]);
    const shown = await text('etcd', 'probe');
    expect(shown.stdout.split('\n')[0]).toBe(connection.etcdctl);
    const line = connection.etcdctl.replaceAll('/etc/kubernetes/', `${node.root}/etc/kubernetes/`);
    const { stdout } = await promisify(execFile)('sh', ['-c', `${line} endpoint health 2>&1`]);
    expect(stdout).toContain('is healthy');
  });

  it('etcd probe uses the given credentials instead of those found, and names their problem', async () => {
    const elsewhere = await run('etcd', 'probe', '--endpoint', 'https://127.0.0.1:1');
    expect(elsewhere.exitCode).toBe(3);
    expect(elsewhere.envelope.error).toMatchObject({ code: 'ETCD_NO_WORKING_CREDENTIALS' });
    const attempts = elsewhere.envelope.result?.['attempts'] as readonly { endpoint: string | null }[];
    expect(new Set(attempts.map(({ endpoint }) => endpoint).filter((each) => each !== null))).toEqual(
      new Set(['https://127.0.0.1:1']),
    );
    const wrongCa = await run('etcd', 'probe', '--cacert', '/etc/kubernetes/pki/ca.crt');
    expect(wrongCa.exitCode).toBe(3);
    expect(JSON.stringify(wrongCa.envelope.result)).toContain('ETCD_TLS_UNTRUSTED');
    const half = await run('etcd', 'probe', '--cert', '/etc/kubernetes/pki/apiserver-etcd-client.crt');
    expect(half.exitCode).toBe(2);
    const odd = await run('etcd', 'status', '--endpoint', 'https://127.0.0.1:0');
    expect(odd.exitCode).toBe(3);
  });

  it('etcd status shows the member, and triage the same etcdctl line', async () => {
    const { exitCode, envelope } = await run('etcd', 'status');
    expect(exitCode).toBe(0);
    expect(envelope.result).toMatchObject({ healthy: true, hasQuorum: true, alarms: [] });
    expect(envelope.result?.['members']).toMatchObject([{ name: 'etcd1', isLeader: true, answers: true }]);
    const shown = await text('etcd', 'status');
    expect(shown.stdout).toContain('healthy, 1 member, has quorum');
    const triage = await text('triage', '--verbose');
    expect(triage.exitCode).toBe(3);
    expect(triage.stdout).toMatch(/etcd\s+running\s+yes\s+1 member, leader etcd1/);
    expect(triage.stdout).toContain(shown.stdout.split('\n')[0]);
  });

  it('etcd get shows objects as the API does, and masks Secrets', async () => {
    const one = await text('etcd', 'get', 'secret', 'one');
    expect(one.exitCode).toBe(0);
    expect(one.stdout).toContain('kind: Secret');
    expect(one.stdout).toMatch(/password: \(22 bytes\)/);
    const all = await run('etcd', 'get', 'secrets');
    const objects = all.envelope.result?.['objects'] as readonly { metadata: { name: string } }[];
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['one', 'two']);
    const table = await text('etcd', 'get', 'secrets');
    expect(table.stdout).toMatch(/^NAMESPACE +NAME +DATA +CREATED\ndefault +one +\d+ +\S+\ndefault +two /);
    expect(table.stdout).not.toContain('bytes');
    const objectsInYaml = await text('etcd', 'get', 'secrets', '-o', 'yaml');
    expect(objectsInYaml.stdout.match(/^kind: Secret$/gm)).toHaveLength(2);
    const elsewhere = await run('etcd', 'get', 'secrets', '-n', 'kube-system');
    expect(elsewhere.envelope.result).toEqual({ objects: [] });
    const maps = await run('etcd', 'get', 'cm', '-A');
    expect(maps.envelope.result).toMatchObject({ objects: [{ kind: 'ConfigMap', data: { mode: 'slow' } }] });
    expect((await secretOf('one')).data['password']).toBe(ENCODED[0]);
  });

  it('the topic etcd works on a machine without a node, with endpoint and credentials', async () => {
    // Files that variables name must be root's alone, as those of a node.
    const directory = await mkdtemp(path.join(homedir(), '.kube-rescue-bastion-'));
    const pair = node.pki.pairs['apiserver-etcd-client'];
    const files = { ca: node.pki.pairs['etcd/ca'].certificate, crt: pair.certificate, key: pair.key };
    for (const [name, pem] of Object.entries(files)) {
      await writeFile(path.join(directory, name), pem, { mode: 0o600 });
    }
    const [endpoint = ''] = node.etcd.endpoints;
    const access = ['--endpoint', endpoint, '--cacert', 'ca', '--cert', 'crt', '--key', 'key'];
    const away = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
      runCli(['etcd', ...args, '--kubernetes-dir', '/does/not/exist', '--json'], { cwd: directory, env });
    const elsewhere = (...args: readonly string[]) => away(args);
    expect(await elsewhere('status', ...access)).toMatchObject({ exitCode: 0 });
    expect(await elsewhere('snapshot', 'etcd.db', ...access)).toMatchObject({ exitCode: 0 });
    const secrets = await elsewhere('get', 'secrets', ...access);
    expect(JSON.parse(secrets.stdout)).toMatchObject({ result: { objects: [{}, {}] } });
    const variables = { ETCDCTL_ENDPOINTS: endpoint, ETCDCTL_CACERT: 'ca', ETCDCTL_CERT: 'crt', ETCDCTL_KEY: 'key' };
    expect(await away(['status'], { ...process.env, ...variables })).toMatchObject({ exitCode: 0 });
    const { ETCDCTL_KEY: _key, ...keyless } = variables;
    expect((await away(['status'], { ...process.env, ...keyless })).exitCode).toBe(3);
    const refused = await elsewhere('status');
    expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, error: { code: 'NODE_NOT_FOUND' } });
    await rm(directory, { recursive: true });
  });

  it('etcd get names a missing object, and the known kinds', async () => {
    const missing = await run('etcd', 'get', 'secret', 'three');
    expect(missing).toMatchObject({ exitCode: 4, envelope: { error: { code: 'OBJECT_NOT_FOUND' } } });
    const unknown = await run('etcd', 'get', 'gadget');
    expect(unknown).toMatchObject({ exitCode: 2, envelope: { error: { code: 'OBJECT_KIND_UNKNOWN' } } });
  });

  it('etcd patch --dry-run shows lengths and digests, and changes nothing', async () => {
    const before = await secretOf('one');
    const args = ['etcd', 'patch', 'secret', 'one', '--set', `stringData.password=${ADDED}`];
    const dry = await text(...args, '--dry-run');
    expect(dry.exitCode).toBe(3);
    expect(dry.stdout.replaceAll(/\s+/g, ' ')).toMatch(/data\.password: "\(22 bytes\)" -> "\(28 bytes\)"/);
    const asked = await run(...args);
    expect(asked).toMatchObject({ exitCode: 2, envelope: { error: { code: 'CONFIRMATION_REQUIRED' } } });
    expect(await secretOf('one')).toEqual(before);
  });

  it('etcd patch changes one field, and rollback restores the old object', async () => {
    const file = path.join(node.root, 'ca.crt');
    await writeFile(file, 'new ca');
    const before = await secretOf('one');
    const args = ['etcd', 'patch', 'secret', 'one', '--set', `data.ca.crt=@${file}`, '--yes'];
    const done = await run(...args);
    expect(done).toMatchObject({ exitCode: 0, envelope: { result: { outcome: 'done', playbook: 'object-patch' } } });
    const after = await secretOf('one');
    expect(after.data).toEqual({ ...before.data, 'ca.crt': Buffer.from('new ca').toString('base64') });
    expect(await run(...args)).toMatchObject({ exitCode: 0, envelope: { result: { outcome: 'nothing-to-do' } } });

    const runId = String(done.envelope.result?.['runId']);
    const listed = await run('rollback', runId, '--dry-run');
    expect(JSON.stringify(listed.envelope.result)).toContain('replace Secret default/one in etcd');
    expect(await run('rollback', runId, '--yes')).toMatchObject({ exitCode: 0 });
    expect((await secretOf('one')).data).toEqual(before.data);
    expect(await run('rollback', runId, '--yes')).toMatchObject({ exitCode: 0 });
  });

  it('rollback skips an object that another process has changed since, and names the field', async () => {
    const done = await run('etcd', 'patch', 'secret', 'two', '--set', `stringData.password=${ADDED}`, '--yes');
    expect(done.exitCode).toBe(0);
    const runId = String(done.envelope.result?.['runId']);
    const theirs = await run('etcd', 'patch', 'secret', 'two', '--set', 'stringData.password=theirs', '--yes');
    const undone = await run('rollback', runId, '--yes');
    expect(undone).toMatchObject({ exitCode: 6, envelope: { error: { code: 'ROLLBACK_INCOMPLETE' } } });
    expect(JSON.stringify(undone.envelope)).toContain('data.password');
    expect((await secretOf('two')).data['password']).toBe(Buffer.from('theirs').toString('base64'));
    expect(await run('rollback', String(theirs.envelope.result?.['runId']), '--yes')).toMatchObject({ exitCode: 0 });

    await run('etcd', 'patch', 'secret', 'two', '--set', 'metadata.labels.app.kubernetes.io/name=theirs', '--yes');
    expect(await run('rollback', runId, '--yes')).toMatchObject({ exitCode: 0 });
    const { data, metadata } = await secretOf('two');
    expect(data['password']).not.toBe(ENCODED[1]);
    expect(metadata['labels']).toEqual({ 'app.kubernetes.io/name': 'theirs' });
  });

  it('etcd patch reads a merge patch from a file, and removes its null fields', async () => {
    const file = path.join(node.root, 'patch.yaml');
    await writeFile(file, 'metadata:\n  labels:\n    tier: null\ndata:\n  mode: "fast"\n');
    const done = await run('etcd', 'patch', 'cm', 'settings', '-n', 'kube-system', '--file', file, '--yes');
    expect(done.exitCode).toBe(0);
    const { envelope } = await run('etcd', 'get', 'cm', 'settings', '-n', 'kube-system');
    const object = envelope.result?.['object'] as { data: unknown; metadata: Record<string, unknown> };
    expect(object.data).toEqual({ mode: 'fast' });
    expect(object.metadata['labels'] ?? {}).toEqual({});
  });

  it.each([
    ['an object that is not there', ['secret', 'three', '--set', 'type=x'], 4, 'WORKFLOW_BLOCKED'],
    ['another name', ['secret', 'one', '--set', 'metadata.name=x'], 4, 'OBJECT_INVALID'],
    ['data that are not base64', ['secret', 'one', '--set', `data.password=${PLANTED}`], 4, 'OBJECT_INVALID'],
    ['a file that is not there', ['secret', 'one', '--set', 'data.x=@/no/such/file'], 2, 'USAGE'],
    ['no path', ['secret', 'one', '--set', PLANTED], 2, 'USAGE'],
    ['no patch', ['secret', 'one'], 2, 'USAGE'],
    ['an API server that is down', ['secret', 'one', '--set', 'type=x', '--via', 'api'], 4, 'OBJECT_STORE_UNREACHABLE'],
  ])('etcd patch refuses %s and writes nothing', async (_, args, exit, code) => {
    const before = await secretOf('one');
    const ended = await run('etcd', 'patch', ...args, '--yes');
    expect(ended).toMatchObject({ exitCode: exit, envelope: { ok: false, error: { code } } });
    expect(await secretOf('one')).toEqual(before);
  });

  it("etcd snapshot makes a file that etcd's own tool accepts, and never overwrites one", async () => {
    const file = path.join(node.root, 'etcd.db');
    const taken = await run('etcd', 'snapshot', file);
    expect(taken.exitCode).toBe(0);
    const { size, mode } = await stat(file);
    expect(taken.envelope.result).toMatchObject({ path: file, bytes: size });
    expect(mode & 0o777).toBe(0o600);
    const status = await runSnapshotCommand('status', file, '--write-out=json');
    expect(JSON.parse(status)).toMatchObject({ revision: taken.envelope.result?.['revision'] });
    const again = await run('etcd', 'snapshot', file);
    expect(again).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_SNAPSHOT_TARGET_EXISTS' } } });
  });

  it('etcd restore refuses while etcd works, a snapshot of another cluster, and unclear flags; it plans what is accepted', async () => {
    const file = path.join(node.root, 'to-restore.db');
    await run('etcd', 'snapshot', file);
    const working = await run('etcd', 'restore', '--from', file, '--yes');
    expect(working).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_RESTORE_REFUSED' } } });
    const other = await run('etcd', 'restore', '--from', file, '--replace-working-etcd', '--dry-run');
    expect(other).toMatchObject({ exitCode: 4, envelope: { error: { code: 'ETCD_OTHER_CLUSTER' } } });
    for (const words of [[], ['--from', file, '--from-data-dir', node.root]]) {
      expect((await run('etcd', 'restore', ...words, '--yes')).exitCode).toBe(2);
    }
    const accepted = ['--replace-working-etcd', '--accept-other-cluster', '--dry-run'];
    const { exitCode, stdout } = await text('etcd', 'restore', '--from', file, ...accepted);
    expect(exitCode).toBe(3);
    // The text is broken into lines of 80 columns.
    const words = stdout.replaceAll(/\s+/g, ' ');
    expect(words).toContain(`restore /var/lib/etcd from ${file}`);
    expect(words).toContain('its hash is right');
    expect(stdout).toContain('remove /etc/kubernetes/manifests/etcd.yaml');
  });

  it('leaks no secret and no private key, except in the backups of the runs', async () => {
    const runs = path.join(node.root, 'var/lib/kube-rescue/runs');
    const journals = await Promise.all(
      (await readdir(runs)).map((id) => readFile(path.join(runs, id, 'journal.jsonl'), 'utf8')),
    );
    const everything = [...journals, ...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr])].join('\n');
    expect(journals.length).toBeGreaterThan(3);
    for (const secret of [PLANTED, ADDED, ...ENCODED]) expect(everything).not.toContain(secret);
    for (const key of node.pki.privateKeys) expect(everything).not.toContain(key.split('\n')[1]);
  });

  it('etcd status exits 3 when etcd is down, and so does triage', async () => {
    await node.etcd.members[0].stop();
    const { exitCode, envelope } = await run('etcd', 'status');
    expect({ exitCode, code: envelope.error?.['code'] }).toEqual({ exitCode: 3, code: 'ETCD_NO_WORKING_CREDENTIALS' });
    expect((await text('triage')).exitCode).toBe(3);
  });
});

describe('on a copy of a node', () => {
  it('the topic etcd refuses: no etcd runs there', async () => {
    const copy = await plantNode();
    for (const command of [
      ['status'],
      ['probe'],
      ['get', 'secrets'],
      ['patch', 'secret', 'x', '--set', 'type=y', '--yes'],
    ]) {
      const { exitCode, stdout } = await runCli(['etcd', ...command, '--root', copy.root, '--json']);
      expect(exitCode).toBe(4);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'NODE_NOT_LIVE' } });
    }
    await copy.remove();
  });
});
