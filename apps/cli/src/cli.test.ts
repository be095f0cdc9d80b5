import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BIN,
  type Ended,
  type PlantedNode,
  plantNode,
  runCli,
  runCliWithoutRoot,
  runProgram,
} from './cli-process.fixture.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

const COMMANDS = [
  ['triage'],
  ['plan'],
  ['recover'],
  ['rollback'],
  ['runs'],
  ['certs', 'check'],
  ['certs', 'renew'],
  ['etcd', 'status'],
  ['etcd', 'probe'],
  ['etcd', 'get'],
  ['etcd', 'patch'],
  ['etcd', 'snapshot'],
  ['manifests', 'list'],
  ['manifests', 'restart'],
  ['manifests', 'checkpoint'],
];

function envelopeOf({ stdout }: Ended): {
  ok: boolean;
  error?: Record<string, unknown>;
  result?: Record<string, unknown>;
} {
  return JSON.parse(stdout) as ReturnType<typeof envelopeOf>;
}

let empty: string;
let healthy: PlantedNode;
let expired: PlantedNode;

beforeAll(async () => {
  empty = await mkdtemp(path.join(tmpdir(), 'kube-rescue-cli-'));
  [healthy, expired] = await Promise.all([
    plantNode(),
    plantNode({ expired: ['apiserver', 'admin.conf', 'kubelet-client'] }),
  ]);
});

afterAll(async () => {
  await Promise.all([healthy.remove(), expired.remove(), rm(empty, { recursive: true })]);
});

describe('help', () => {
  it.each(COMMANDS)('of %s %s names its flags and the exit codes that it can have', async (...command) => {
    const { exitCode, stdout, stderr } = await runCli([...command.filter((word) => word !== undefined), '--help']);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('USAGE');
    expect(stdout).toContain('--json');
    const shown = EXIT_MEANINGS.filter(([code, meaning]) => stdout.includes(`${code}  ${meaning}`));
    const writes = stdout.includes('--yes');
    expect(shown).toEqual(EXIT_MEANINGS.filter(([code]) => writes || ![5, 6, 7].includes(code)));
  });

  it('names kubectl rescue when it runs as a kubectl plugin', async () => {
    const plugin = path.join(empty, 'kubectl-rescue');
    await symlink(BIN, plugin);
    const { stdout } = await runProgram(plugin, ['triage', '--help']);
    await rm(plugin);
    expect(stdout).toContain('$ kubectl rescue triage');
  });
});

describe('a failure', () => {
  it.each([
    ['an unknown command', ['resurrect'], 2, 'USAGE'],
    ['an unknown flag', ['triage', '--deep'], 2, 'USAGE'],
    ['a flag without its value', ['certs', 'check', '--warn-within'], 2, 'USAGE'],
    ['a value that is not a number of days', ['certs', 'check', '--warn-within', 'soon'], 2, 'USAGE'],
    ['a missing argument', ['rollback'], 2, 'USAGE'],
    ['flags that exclude each other', ['recover', '--resume', '--plan', 'x.json'], 2, 'USAGE'],
    ['a missing root', ['triage', '--root', '/does/not/exist'], 2, 'USAGE'],
    ['a relative path on the node', ['triage', '--root', '/', '--kubernetes-dir', 'etc'], 2, 'HOST_PATH_INVALID'],
  ])('%s is one JSON document on the standard output and text on the error output', async (_, args, exit, code) => {
    const ended = await runCli([...args, '--json']);
    expect(ended.exitCode).toBe(exit);
    expect(envelopeOf(ended)).toMatchObject({ apiVersion: 'kube-rescue/v1', ok: false, error: { code } });
    expect(envelopeOf(ended)).not.toHaveProperty('result');
    expect(ended.stderr).toContain(`code: ${code}`);
  });

  it('without --json leaves the standard output empty', async () => {
    const { exitCode, stdout, stderr } = await runCli(['triage', '--deep']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: nonexistent flag: --deep/);
  });

  it('on a machine without Kubernetes names the missing directory and changes nothing', async () => {
    const before = await readdir(empty, { recursive: true });
    for (const command of [['triage'], ['certs', 'check'], ['recover', '--yes'], ['manifests', 'list']]) {
      const ended = await runCli([...command, '--root', empty, '--json']);
      expect(ended.exitCode).toBe(4);
      const { error } = envelopeOf(ended);
      expect(error).toMatchObject({ subject: '/etc/kubernetes', hint: expect.any(String) });
    }
    expect(await readdir(empty, { recursive: true })).toEqual(before);
  });
});

describe('a command that writes', () => {
  it.each([
    ['recover', ['recover']],
    ['certs renew', ['certs', 'renew']],
  ])('%s refuses without a terminal and without --yes', async (_, command) => {
    const ended = await runCli([...command, '--root', expired.root, '--json']);
    expect(ended.exitCode).toBe(2);
    expect(envelopeOf(ended)).toMatchObject({ ok: false, error: { code: 'CONFIRMATION_REQUIRED', subject: '--yes' } });
    expect(await readdir(path.join(expired.root, 'var/lib'))).toEqual(['kubelet']);
  });

  it.each([
    ['manifests restart', ['manifests', 'restart', 'kube-apiserver']],
    ['manifests checkpoint', ['manifests', 'checkpoint']],
    ['certs renew nosuch', ['certs', 'renew', 'nosuch']],
  ])('%s says what else is wrong before it asks for confirmation', async (_, command) => {
    const ended = await runCli([...command, '--root', expired.root, '--json']);
    expect(ended.exitCode).not.toBe(0);
    expect(envelopeOf(ended).error).not.toMatchObject({ code: 'CONFIRMATION_REQUIRED' });
    expect(await readdir(path.join(expired.root, 'var/lib'))).toEqual(['kubelet']);
  });

  it('says that there is no run to resume before it asks for confirmation', async () => {
    const copy = await plantNode({ expired: ['apiserver'] });
    const ended = await runCli(['recover', '--resume', '--root', copy.root, '--json']);
    expect(envelopeOf(ended)).toMatchObject({ ok: false, error: { code: 'RUN_NOT_FOUND' } });
    await copy.remove();
  });

  it('rollback names an unknown run before it asks for confirmation', async () => {
    const ended = await runCli(['rollback', 'nonsense', '--root', expired.root, '--json']);
    expect(ended.exitCode).toBe(2);
    expect(envelopeOf(ended)).toMatchObject({ ok: false, error: { code: 'RUN_NOT_FOUND', subject: 'nonsense' } });
    expect(await readdir(path.join(expired.root, 'var/lib'))).toEqual(['kubelet']);
  });

  it('changes nothing with --dry-run, whatever --yes says', async () => {
    const ended = await runCli(['certs', 'renew', '--root', expired.root, '--dry-run', '--yes', '--json']);
    expect(ended.exitCode).toBe(3);
    expect(envelopeOf(ended)).toMatchObject({ ok: true, result: { plan: { version: 1 } } });
    expect(await readdir(path.join(expired.root, 'var/lib'))).toEqual(['kubelet']);
  });

  it('refuses to change the live machine without root', async () => {
    const ended = await runCliWithoutRoot(['recover', '--yes', '--json']);
    expect(ended.exitCode).toBe(4);
    expect(envelopeOf(ended)).toMatchObject({ error: { code: 'NOT_ROOT', hint: expect.stringContaining('sudo') } });
  });

  it('refuses a drill without root', async () => {
    const ended = await runCliWithoutRoot(['drill', '--json']);
    expect(ended.exitCode).toBe(4);
    // Missing Debian packages are reported first, with one line to paste.
    expect(['LAB_NOT_ROOT', 'LAB_PACKAGES_MISSING']).toContain(envelopeOf(ended).error?.code);
  });

  it('refuses a file that is not a plan', async () => {
    const file = path.join(empty, 'not-a-plan.json');
    await writeFile(file, '{}');
    const ended = await runCli(['recover', '--plan', file, '--root', expired.root, '--yes', '--json']);
    expect(ended.exitCode).toBe(2);
    expect(envelopeOf(ended)).toMatchObject({ error: { code: 'PLAN_FILE_INVALID', subject: file } });
    await rm(file);
  });
});

describe('on a terminal', () => {
  /** Runs the program on a terminal of script(1), with `text` typed as soon as the question is there. */
  const onTerminal = (text: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> => {
    const command = [process.execPath, BIN, 'certs', 'renew', '--root', expired.root].join(' ');
    return runProgram('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', NO_COLOR: undefined, ...env },
      typed: { after: 'Make these changes', text },
    });
  };

  it.each([
    ['a no', 'n\r', 4, /(?<!error: )aborted; nothing was changed\s*$/],
    ['Ctrl-C', '\u0003', 130, /code: INTERRUPTED/],
    ['the end of the input', '\u0004', 130, /code: INTERRUPTED/],
  ])('%s to the question changes nothing', async (_, input, exit, ending) => {
    const { exitCode, stdout } = await onTerminal(input);
    expect(stdout).toContain('Make these changes');
    expect(stdout).toMatch(ending);
    expect(exitCode).toBe(exit);
    expect((await runCli(['runs', '--root', expired.root, '--json'])).stdout).toContain('"runs": []');
  });

  it('output is coloured, unless NO_COLOR is set', async () => {
    const needed = '\u001b[33mneeded\u001b[0m';
    expect((await onTerminal('n\r')).stdout).toContain(needed);
    const plain = (await onTerminal('n\r', { NO_COLOR: '1' })).stdout;
    expect(plain).not.toContain(needed);
    expect(plain).toMatch(/needed {3}\d+ certificates: expired on /);
  });
});

describe('certs check', () => {
  it('exits 0 on a node whose certificates are good', async () => {
    const ended = await runCli(['certs', 'check', '--root', healthy.root, '--json']);
    expect(envelopeOf(ended)).toMatchObject({ ok: true, warnings: [] });
    expect(ended.exitCode).toBe(0);
  });

  it('exits 3 and names the expired certificates', async () => {
    const env = { ...process.env, COLUMNS: '80' };
    const { exitCode, stdout, stderr } = await runCli(['certs', 'check', '--root', expired.root], { env });
    expect(exitCode).toBe(3);
    expect(stdout).toContain('apiserver');
    expect(stdout).toContain('problem');
    expect(stderr).toBe('');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // In a pipe nothing is cut.
    const { stdout: piped } = await runCli(['certs', 'check', '--root', expired.root]);
    expect(piped).toContain(' /etc/kubernetes/pki/apiserver-kubelet-client.crt');
  });

  it('warns of certificates that expire soon, on the error output, in the envelope and by exit 3', async () => {
    const ended = await runCli(['certs', 'check', '--root', healthy.root, '--warn-within', '400d', '--json']);
    expect(ended.exitCode).toBe(3);
    expect(ended.stderr).toContain('warning: ');
    expect((JSON.parse(ended.stdout) as { warnings: string[] }).warnings).not.toEqual([]);
  });

  it('ends quietly when its output is closed', async () => {
    const script = `"$0" "$1" certs check --root "$2" | head -c 1`;
    const ended = await runProgram('sh', ['-c', script, process.execPath, BIN, expired.root]);
    expect(ended).toEqual({ exitCode: 0, stdout: 'S', stderr: '' });
  });
});

describe('a renewal and its rollback on a copy of a node', () => {
  it('renews, lists the run, rolls it back, and leaks no private key', async () => {
    const node = await plantNode({ expired: ['apiserver'] });
    const copy = ['--root', node.root, '--json'];
    const certificate = path.join(node.root, 'etc/kubernetes/pki/apiserver.crt');
    const before = await readFile(certificate, 'utf8');
    const outputs: Ended[] = [];
    const run = async (...args: readonly string[]): Promise<Ended> => {
      const ended = await runCli([...args, ...copy]);
      outputs.push(ended);
      return ended;
    };

    const renewed = await run('certs', 'renew', '--yes');
    expect(renewed).toMatchObject({ exitCode: 0 });
    expect(await readFile(certificate, 'utf8')).not.toBe(before);
    expect(await run('certs', 'check')).toMatchObject({ exitCode: 0 });
    const again = await run('certs', 'renew', '--yes');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(envelopeOf(again).result).toMatchObject({ outcome: 'nothing-to-do', runId: null });

    const runId = String(envelopeOf(renewed).result?.['runId']);
    const toSecond = expect.stringMatching(/T\d\d:\d\d:\d\dZ$/);
    const listed = await run('runs');
    expect(envelopeOf(listed).result).toMatchObject({
      runs: [{ id: runId, outcome: 'done', startedAt: toSecond, endedAt: toSecond }],
    });
    expect(await run('rollback', runId, '--dry-run')).toMatchObject({ exitCode: 3 });
    const worse = await run('rollback', runId);
    expect([worse.exitCode, envelopeOf(worse)]).toMatchObject([4, { error: { code: 'ROLLBACK_WORSE' } }]);
    const unconfirmed = await run('rollback', runId, '--force');
    expect([unconfirmed.exitCode, envelopeOf(unconfirmed)]).toMatchObject([
      2,
      { error: { code: 'CONFIRMATION_REQUIRED', subject: '--yes' } },
    ]);
    expect(await readFile(certificate, 'utf8')).not.toBe(before);
    const refused = await run('rollback', runId, '--yes');
    expect([refused.exitCode, envelopeOf(refused)]).toMatchObject([4, { error: { code: 'ROLLBACK_WORSE' } }]);
    expect(await readFile(certificate, 'utf8')).not.toBe(before);
    expect(await run('rollback', runId, '--yes', '--force')).toMatchObject({ exitCode: 0 });
    expect(await readFile(certificate, 'utf8')).toBe(before);
    expect(await run('rollback', runId, '--dry-run')).toMatchObject({ exitCode: 0 });

    const journal = await readFile(path.join(node.root, 'var/lib/kube-rescue/runs', runId, 'journal.jsonl'), 'utf8');
    const everything = [journal, ...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr])].join('\n');
    for (const key of node.pki.privateKeys) {
      const [line = ''] = key.split('\n').slice(2);
      expect(line.length).toBeGreaterThan(40);
      expect(everything).not.toContain(line);
    }
    await node.remove();
  });

  it('refuses a second run while another holds the lock', async () => {
    const node = await plantNode({ expired: ['apiserver'] });
    await mkdir(path.join(node.root, 'var/lib/kube-rescue'), { recursive: true });
    const lock = path.join(node.root, 'var/lib/kube-rescue/lock');
    const args = ['-n', lock, process.execPath, BIN, 'certs', 'renew', '--yes', '--json', '--root', node.root];
    const ended = await runProgram('flock', args);
    expect(ended.exitCode).toBe(4);
    expect(envelopeOf(ended)).toMatchObject({ error: { code: 'HOST_LOCKED' } });
    await node.remove();
  });
});
