import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type PlantedNode, plantNode, runCli } from './cli-process.fixture.ts';

let node: PlantedNode;
let directory: string;
beforeAll(async () => {
  node = await plantNode({ algorithm: 'ecdsa', expired: ['apiserver'] });
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-words-'));
});
afterAll(() => Promise.all([node.remove(), rm(directory, { recursive: true })]));

const on = (...args: readonly string[]) => runCli([...args, '--root', node.root], { cwd: directory });

describe('the words that every command line has', () => {
  it.each([
    [['help'], ['--help']],
    [['-h'], ['--help']],
    [
      ['help', 'certs', 'check'],
      ['certs', 'check', '--help'],
    ],
    [
      ['certs', 'check', '-h'],
      ['certs', 'check', '--help'],
    ],
    [['version'], ['--version']],
    [['-v'], ['--version']],
  ])('%j does the same as %j', async (words, flags) => {
    const [short, long] = await Promise.all([runCli(words), runCli(flags)]);
    expect(short).toEqual(long);
    expect(short).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('has a page of help for every flag of a command with many, and a short one that fits on two screens', async () => {
    const [short, long] = await Promise.all([
      runCli(['recover', '--help']),
      runCli(['recover', '--help', '--verbose']),
    ]);
    expect(short.stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(60);
    const named = (page: string): readonly string[] => [...page.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag);
    const shown = named(short.stdout);
    expect(named(long.stdout).filter((flag) => !shown.includes(flag))).toEqual([]);
    expect(long.stdout).toContain('private key to log in with');
  });

  it.each([
    [['recovr'], 'did you mean `kube-rescue recover`? see: `kube-rescue help`'],
    [['certs', 'chekc'], 'did you mean `kube-rescue certs check`? see: `kube-rescue help certs`'],
    [['certs', 'inspct', 'apiserver'], 'did you mean `kube-rescue certs inspect`? see: `kube-rescue help certs`'],
    [['resurrect-everything'], 'see: `kube-rescue help`'],
    [['triage', 'extra'], 'see: `kube-rescue triage --help`'],
    [['triage', '--jsno'], 'did you mean --json? see: `kube-rescue triage --help`'],
    [['drill', '--root', '/tmp/x'], 'see: `kube-rescue drill --help`'],
    [['triage', '--zzzzzz'], 'see: `kube-rescue triage --help`'],
    [
      ['plan', '--output', 'plan.json'],
      'a plan is saved with `kube-rescue plan --out FILE`; see: `kube-rescue plan --help`',
    ],
  ])('says what %j may have meant', async (words, hint) => {
    const { exitCode, stdout } = await runCli([...words, '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE', hint } });
  });

  it.each([
    [
      ['recover', '--dry-run', '--expiring-within', '20d', '--dns-wait=1m'],
      ['--renew-within', '--wait'],
    ],
    [['etcd', 'status', '--rotated-set', '.'], ['--certs']],
    [['nodes', 'join', 'node02', '--dry-run', '--ready-timeout', '5'], ['--wait']],
  ])('takes the former names of flags, and names the new ones: %j', async (words, names) => {
    const { stdout, stderr } = await on(...words, '--json');
    expect(stdout).not.toMatch(/nonexistent flag|unknown flag/i);
    const named = [...stderr.matchAll(/^--\S+ is now (--\S+)$/gm)].map(([, name = '']) => name);
    expect(new Set(named)).toEqual(new Set(names));
    const help = await runCli([...words.filter((word) => /^[a-z]+$/.test(word)), '--help', '--verbose']);
    for (const word of words.filter((each) => each.startsWith('--') && each !== '--dry-run')) {
      expect(help.stdout).not.toContain(word.replace(/=.*/, ''));
    }
  });

  it('knows what kubeadm calls its commands and certificates', async () => {
    const [check, list, triage] = await Promise.all([
      on('certs', 'check-expiration', '--json'),
      on('certs', 'list', '--json'),
      on('status', '--json'),
    ]);
    for (const { exitCode } of [check, list, triage]) expect(exitCode).toBe(3);
    expect(JSON.parse(check.stdout)).toMatchObject({ result: { certificates: expect.any(Array) } });
    expect(JSON.parse(triage.stdout)).toMatchObject({ result: { causes: expect.any(Array) } });
    const [all, one] = await Promise.all([
      on('certs', 'renew', 'all', '--dry-run', '--json'),
      on('certs', 'renew', 'etcd-server', '--dry-run', '--json'),
    ]);
    const neededOf = ({ stdout }: { stdout: string }): number =>
      (JSON.parse(stdout) as { result: { needed: number } }).result.needed;
    expect(neededOf(all)).toBeGreaterThan(9);
    expect(neededOf(one)).toBe(1);
  });
});

describe('the format of an answer', () => {
  it('is the same document as JSON and as YAML, also for a failure', async () => {
    const [json, yaml] = await Promise.all([
      on('certs', 'inspect', 'apiserver', '-o', 'json'),
      on('certs', 'inspect', 'apiserver', '-o', 'yaml'),
    ]);
    expect(json.exitCode).toBe(3);
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    const failed = await on('rollback', 'nosuch', '-o', 'yaml', '--yes');
    expect(failed.exitCode).toBe(2);
    expect(parse(failed.stdout)).toMatchObject({ ok: false, error: { code: 'RUN_NOT_FOUND' } });
  });

  it('cuts no path when it is wide', async () => {
    const { stdout } = await on('certs', 'check', '-o', 'wide');
    expect(stdout).toContain('/etc/kubernetes/pki/etcd/healthcheck-client.crt');
  });

  it('is metrics with exit code 0 and without warnings, whatever has expired, in a file that appears whole', async () => {
    const file = path.join(directory, 'kube_rescue.prom');
    const written = await on('certs', 'check', '-o', 'prometheus', '--output-file', file, '--warn-within', '900d');
    expect(written).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await readFile(file, 'utf8')).toMatch(/kube_rescue_certificate_ok\{id="apiserver",.*\} 0\n/);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(await readdir(directory)).toEqual(['kube_rescue.prom']);
    await rm(file);
    const refused = await runCli([
      'certs',
      'check',
      '-o',
      'prometheus',
      '--output-file',
      file,
      '--root',
      '/does/not/exist',
    ]);
    expect(refused.exitCode).toBe(2);
    expect(await readdir(directory)).toEqual([]);
  });

  it('can keep the exit code 0', async () => {
    expect(await on('certs', 'check', '--exit-zero')).toMatchObject({ exitCode: 0 });
  });
});

describe('durations', () => {
  it('have units, and a number alone has the unit of its flag', async () => {
    const planned = async (days: string) => {
      const { stdout } = await on('certs', 'renew', 'apiserver', '--days', days, '--dry-run', '--json');
      return (JSON.parse(stdout) as { result: { plan: { entries: { finding: { summary: string } }[] } } }).result.plan
        .entries[0]?.finding.summary;
    };
    expect(await planned('1w')).toMatch(/\(7 days, was /);
    expect(await planned('72h')).toMatch(/\(3 days, was /);
    expect(await planned('30')).toMatch(/\(30 days, was /);
    const { exitCode, stderr } = await on('certs', 'check', '--warn-within', 'soon');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('soon is not a duration, such as 30d or 72h');
  });
});

describe('plan --out', () => {
  it('saves the plan once, says the next command, and overwrites nothing', async () => {
    const saved = await on('plan', '--out', 'my plan.json');
    expect(saved.exitCode).toBe(3);
    expect(saved.stdout).toMatch(/^next: kube-rescue recover --root \S+ --plan 'my plan\.json'$/m);
    const before = await readFile(path.join(directory, 'my plan.json'), 'utf8');
    const again = await on('plan', '--out', 'my plan.json', '--json');
    expect(again.exitCode).toBe(4);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'FILE_EXISTS' } });
    expect(await readFile(path.join(directory, 'my plan.json'), 'utf8')).toBe(before);
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('prints a script for %s with every command', async (shell) => {
    const { exitCode, stdout, stderr } = await runCli(['completion', shell]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const word of ['triage', 'rotate-ca', '--warn-within', 'prometheus'].map((each) => each.replace(/^--/, ''))) {
      expect(stdout).toContain(word);
    }
    expect(stdout).not.toContain('check-expiration');
  });
});
