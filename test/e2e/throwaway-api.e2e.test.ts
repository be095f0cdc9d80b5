import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { KUBERNETES_RELEASES, provideKubernetesBinaries } from '@kube-rescue/lab';
import { type RunningApiServer, startApiServer } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, type Ended, runProgram } from '../../apps/cli/src/cli-process.fixture.ts';
import { type EtcdNode, startEtcdNode } from '../../apps/cli/src/etcd/etcd-node.fixture.ts';
import { locateBinaries } from '../../apps/drill/src/wiring.ts';

/** A node whose /run is in memory, and that says at the end what is left: files of the server, processes. */
const SCRIPT = [
  'mount -t tmpfs -o mode=0755 tmpfs /run',
  '"$@"; code=$?',
  'files=$(ls -A /run; ls -A /var/lib/kube-rescue/api 2>/dev/null)',
  'echo "left: $files $(cat /proc/[0-9]*/comm | grep -xE "etcd|kube-apiserver")" >&2',
  'exit "$code"',
].join('\n');
const NOTHING_LEFT = /^left: *$/m;

const WEBHOOK = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'unreachable' },
  webhooks: [
    {
      name: 'unreachable.example.com',
      clientConfig: { url: 'https://127.0.0.1:1/' },
      rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] }],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    },
  ],
};

describe.each(['1.20', '1.37'] as const)('a throwaway API server of Kubernetes %s', (version) => {
  const release = KUBERNETES_RELEASES[version];
  const searched = process.env['PATH'] ?? '';
  let binaries: string;
  let node: EtcdNode;
  let api: RunningApiServer;

  beforeAll(async () => {
    const deps = { host: createLocalHost(), clock: systemClock };
    binaries = (await provideKubernetesBinaries({ ...locateBinaries(process.env), release }, deps)).directory;
    // The etcd of the release, where it has one.
    process.env['PATH'] = `${binaries}:${searched}`;
    node = await startEtcdNode();
    await useVersions(node);
    api = await startApiServer({ etcd: node.etcd, binaries });
    await kubectl('create', 'namespace', 'shop');
    await kubectl('create', 'secret', 'generic', 'one', '--namespace=shop', '--from-literal=word=plain');
    const file = path.join(node.root, 'webhook.json');
    await writeFile(file, JSON.stringify(WEBHOOK));
    await kubectl('create', '--filename', file);
    await api.stop();
    // What has a time to live would be deleted later, and move the revision.
    const leases = (await node.etcd.etcdctl('lease', 'list')).match(/^[0-9a-f]{8,}$/gm) ?? [];
    for (const lease of leases) await node.etcd.etcdctl('lease', 'revoke', lease);
  });

  afterAll(async () => {
    process.env['PATH'] = searched;
    await api?.dispose();
    await node?.remove();
  });

  /** The images of the node's manifests decide which version of a program is taken. */
  async function useVersions({ root }: EtcdNode): Promise<void> {
    for (const [name, tag] of [
      ['kube-apiserver', release.version],
      ['etcd', release.etcdVersion === undefined ? undefined : release.etcdImageTag],
    ] as const) {
      const manifest = path.join(root, `etc/kubernetes/manifests/${name}.yaml`);
      const text = await readFile(manifest, 'utf8');
      if (tag !== undefined) await writeFile(manifest, text.replace(new RegExp(`(/${name}:)\\S+`), `$1${tag}`));
    }
  }

  async function kubectl(...words: readonly string[]): Promise<void> {
    const done = await runProgram(path.join(binaries, 'kubectl'), ['--kubeconfig', api.files.kubeconfig, ...words]);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
  }

  const words = (...args: readonly string[]): readonly string[] => [
    ...['sh', '-c', SCRIPT, 'sh', process.execPath, BIN, 'api', ...(args.includes('--etcdutl') ? [] : tools())],
    ...args,
  ];
  /** Debian's etcdctl restores for the etcd of Debian; a newer etcd has a program of its own for it. */
  const tools = (): readonly string[] =>
    release.etcdVersion === undefined ? [] : ['--etcdutl', path.join(binaries, 'etcdutl')];
  const run = (...args: readonly string[]): Promise<Ended> => node.exec(words(...args));

  async function revision(of: EtcdNode = node): Promise<number> {
    const status = JSON.parse(await of.etcd.etcdctl('endpoint', 'status', '-w', 'json')) as readonly {
      readonly Status: { readonly header: { readonly revision: number } };
    }[];
    return status[0]?.Status.header.revision ?? 0;
  }

  it('shows the objects to the command behind --, and etcd stays at its revision', async () => {
    const before = await revision();
    const done = await run('--', 'kubectl', 'get', 'secret', 'one', '-n', 'shop', '-o', 'jsonpath={.data.word}');
    expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: Buffer.from('plain').toString('base64') });
    expect(done.stderr).toMatch(NOTHING_LEFT);
    expect(await revision()).toBe(before);
  });

  it('refuses every write, and ends with the exit status of the command', async () => {
    const before = await revision();
    const script = [
      'kubectl delete secret one -n shop',
      'kubectl create configmap two',
      'kubectl auth can-i list pods',
      'kubectl auth can-i delete pods',
      'test "$(stat -c %a "$KUBECONFIG")" = 600 || exit 8',
      'exit 7',
    ].join('; ');
    const done = await run('--', 'sh', '-c', script);
    expect(done, done.stderr).toMatchObject({ exitCode: 7, stdout: expect.stringMatching(/^yes\nno\b/) });
    expect(done.stderr).toMatch(/secrets "one" is forbidden/);
    expect(done.stderr).toMatch(/cannot create resource "configmaps"/);
    expect(done.stderr).toMatch(NOTHING_LEFT);
    expect(await revision()).toBe(before);
  });

  it('prints a kubeconfig, serves until Ctrl-C on the loopback interface alone, and leaves nothing', async () => {
    const server = await start({ stream: 'stdout', text: '\n}' }, '--json');
    const { result } = JSON.parse(server.stdout()) as {
      readonly result: { readonly server: string; readonly kubeconfig: string; readonly version: string };
    };
    expect(`v${result.version}`).toBe(release.version);
    const inside = ['--target', String(server.pid), '--mount', 'kubectl', '--kubeconfig', result.kubeconfig];
    const seen = await runProgram('nsenter', [...inside, 'get', 'namespaces', '-o', 'name']);
    expect(seen.stdout).toContain('namespace/shop\n');
    const { port } = new URL(result.server);
    const listening = await runProgram('ss', ['--no-header', '--listening', '--tcp', '--numeric', `sport = :${port}`]);
    expect(listening.stdout).toContain(`127.0.0.1:${port}`);
    expect(listening.stdout).not.toMatch(/0\.0\.0\.0:\d+ +0|\*:\d/);
    const config = await runProgram('nsenter', ['--target', String(server.pid), '--mount', 'cat', result.kubeconfig]);
    const token = /"token": "([^"]+)"/.exec(config.stdout)?.[1] ?? 'none';
    const done = await server.end('SIGINT');
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stderr).toMatch(NOTHING_LEFT);
    expect(`${done.stdout}${done.stderr}`).not.toContain(token);
    const closed = await runProgram('ss', ['--no-header', '--listening', '--tcp', '--numeric', `sport = :${port}`]);
    expect(closed.stdout).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('that gets a %s while it starts leaves nothing', async (signal) => {
    const server = await start({ stream: 'stderr', text: 'waiting: kube-apiserver' });
    const done = await server.end(signal);
    expect(done, done.stderr).toMatchObject({ exitCode: 130, stdout: '' });
    expect(done.stderr).toMatch(NOTHING_LEFT);
  });

  it('that was killed takes its servers with it, and the next one removes its files', async () => {
    const program = `"$@" api ${tools().join(' ')}`;
    const killed = `${program} >/run/out & child=$!; until grep -q kubectl /run/out; do sleep 0.1; done; kill -KILL $child`;
    const gone = 'while cat /proc/[0-9]*/comm | grep -qxE "etcd|kube-apiserver"; do sleep 0.1; done; rm /run/out';
    const script = `${killed}; ${gone}; ${program} -- kubectl get namespace shop -o name`;
    const done = await node.exec(['sh', '-c', SCRIPT, 'sh', 'sh', '-c', script, 'sh', process.execPath, BIN]);
    expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: 'namespace/shop\n' });
    expect(done.stderr).toContain('removed what a killed `kube-rescue api` had left behind');
    expect(done.stderr).toMatch(NOTHING_LEFT);
  });

  it('that is writable works on etcd itself, past webhooks, after a snapshot', async () => {
    const [before, ca] = [await revision(), await trust()];
    const script = 'kubectl create configmap two -n shop; kubectl get configmap two -n shop -o name';
    const done = await run('--writable', '--', 'sh', '-c', script);
    expect(done, done.stderr).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain('configmap/two\n');
    expect(done.stderr).toMatch(NOTHING_LEFT);
    expect(await revision()).toBeGreaterThan(before);
    expect(await node.etcd.etcdctl('get', '--keys-only', '/registry/configmaps/shop/two')).toContain('two');
    // Its own CA is no CA of the cluster.
    expect(await trust()).toBe(ca);
    const { stdout } = await runProgram('ls', [path.join(node.root, 'var/lib/kube-rescue/snapshots')]);
    expect(stdout).toMatch(/^etcd-\w+\.db\n$/);
  });

  async function trust(): Promise<string> {
    const value = await node.etcd.etcdctl(
      ...['get', '--print-value-only', '/registry/configmaps/kube-system/extension-apiserver-authentication'],
    );
    return (value.match(/-----BEGIN CERTIFICATE-----[^-]+/g) ?? []).toSorted().join('');
  }

  it('reads a snapshot, or the database of a data directory, while etcd is down', async () => {
    const kept = await mkdtemp(path.join(tmpdir(), 'kube-rescue-throwaway-'));
    try {
      const other = await startEtcdNode();
      await useVersions(other);
      const file = path.join(kept, 'etcd.db');
      await node.etcd.etcdctl('snapshot', 'save', file);
      const database = path.join(kept, 'db');
      await cp(path.join(node.etcd.members[0].dataDir, 'member/snap/db'), database);
      await other.etcd.members[0].stop();
      try {
        const refused = await other.exec(words('--json'));
        expect(refused.exitCode).toBe(4);
        expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'ETCD_NO_WORKING_CREDENTIALS' } });
        expect(refused.stdout).toContain('--from-snapshot');
        expect(refused.stderr).toMatch(NOTHING_LEFT);
        for (const from of [file, database]) {
          const command = ['--', 'kubectl', 'get', 'namespace', 'shop', '-o', 'name'];
          const done = await other.exec(words('--from-snapshot', from, ...command));
          expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: 'namespace/shop\n' });
          expect(done.stderr).toMatch(NOTHING_LEFT);
        }
        await writeFile(file, (await readFile(file)).fill(1, 9000, 9100));
        const damaged = await other.exec(words('--from-snapshot', file, '--json'));
        expect(JSON.parse(damaged.stdout)).toMatchObject({ error: { code: 'ETCD_SNAPSHOT_INVALID' } });
        expect(damaged.stderr).toMatch(NOTHING_LEFT);
      } finally {
        await other.remove();
      }
    } finally {
      await rm(kept, { recursive: true });
    }
  });

  it('passes over an expired server certificate of etcd, except to write', async () => {
    const expired = await startEtcdNode({ expired: ['etcd/server'] });
    await useVersions(expired);
    try {
      const done = await expired.exec(words('--', 'kubectl', 'get', 'namespace', 'kube-system', '-o', 'name'));
      expect(done, done.stderr).toMatchObject({ exitCode: 0, stdout: 'namespace/kube-system\n' });
      const refused = await expired.exec(words('--writable', '--accept-expired-server', '--json'));
      expect(refused.exitCode).toBe(4);
      expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'ETCD_SERVER_EXPIRED' } });
      expect(refused.stderr).toMatch(NOTHING_LEFT);
    } finally {
      await expired.remove();
    }
  });

  it('is refused with a code, and leaves nothing, for input that is wrong', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { readonly port: number };
    const cases = [
      [['--port', String(port)], 4, 'THROWAWAY_PORT_TAKEN'],
      [['--kube-apiserver', '/bin/true'], 4, 'THROWAWAY_PROGRAM_MISSING'],
      [['--etcd', '/no/such/etcd'], 4, 'THROWAWAY_PROGRAM_MISSING'],
      [['--etcdutl', '/bin/true'], 4, 'ETCD_RESTORE_TOOL'],
      [['--from-snapshot', '/no/such/file'], 4, 'ETCD_DATABASE_INVALID'],
      [['get', 'nodes'], 2, 'USAGE'],
      [['--root', node.root], 4, 'NODE_NOT_LIVE'],
    ] as const;
    for (const [args, exitCode, code] of cases) {
      const done = await run(...args, '--json');
      expect({ exitCode: done.exitCode, error: JSON.parse(done.stdout) }, args.join(' ')).toMatchObject({
        exitCode,
        error: { error: { code, hint: expect.stringMatching(/./), subject: expect.stringMatching(/./) } },
      });
      expect(done.stderr).toMatch(NOTHING_LEFT);
    }
    taken.close();
    const missing = await run('--', 'no-such-program');
    expect(missing.exitCode).toBe(4);
    expect(missing.stderr).toContain('HOST_EXEC_NOT_FOUND');
    expect(missing.stderr).toMatch(NOTHING_LEFT);
  });

  interface Server {
    /** Of the program itself. */
    readonly pid: number;
    stdout(): string;
    end(signal: NodeJS.Signals): Promise<Ended>;
  }

  /** Starts it in the background, and waits until it has written a text. */
  async function start(
    wanted: { readonly stream: 'stdout' | 'stderr'; readonly text: string },
    ...args: readonly string[]
  ): Promise<Server> {
    const [program, ...rest] = [...node.enter, ...words(...args)];
    const child = spawn(program ?? '', rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    const output = { stdout: '', stderr: '' };
    await new Promise<void>((resolve, reject) => {
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (chunk: string) => {
          output[name] += chunk;
          if (output[wanted.stream].includes(wanted.text)) resolve();
        });
      }
      child.once('exit', () => reject(new Error(`it ended: ${output.stderr}`)));
    });
    return {
      pid: await programOf(child),
      stdout: () => output.stdout,
      end: async (signal) => {
        process.kill(await programOf(child), signal);
        await closed;
        return { exitCode: child.exitCode, ...output };
      },
    };
  }
});

/** The process of the program below `unshare` and the shell. */
async function programOf(child: ChildProcess): Promise<number> {
  let pid = child.pid ?? 0;
  for (;;) {
    const name = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (name.startsWith(`${process.execPath}\0${BIN}`)) return pid;
    const next = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0] ?? '';
    if (next === '') throw new Error(`no program below ${child.pid}`);
    pid = Number(next);
  }
}
