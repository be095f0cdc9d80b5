import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { openRunStore, type RunHeader } from '@kube-rescue/workflow';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, type PlantedNode, plantNode, runCli } from '../cli-process.fixture.ts';

const AT = new Date('2026-11-22T12:00:00Z');
const RUNS = 'var/lib/kube-rescue/runs';
const KUBECONFIGS = ['admin.conf', 'controller-manager.conf', 'scheduler.conf'];
const CERTIFICATE = 'pki/apiserver.crt';

let node: PlantedNode;
let directory: string;

beforeEach(async () => {
  node = await plantNode({ expired: ['apiserver', 'admin.conf', 'controller-manager.conf', 'scheduler.conf'] });
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-resume-'));
});

afterEach(async () => {
  await node.remove();
  await rm(directory, { recursive: true });
});

const at = (file: string): string => path.join(node.root, 'etc/kubernetes', file);
const store = () => openRunStore(createLocalHost({ root: hostPath(node.root) }));
const cli = (...words: readonly string[]): Promise<Ended> =>
  runCli([...words, '--root', node.root], { cwd: directory });

async function headerOf(run: string): Promise<RunHeader> {
  const journal = await readFile(path.join(node.root, RUNS, run, 'journal.jsonl'), 'utf8');
  return JSON.parse(journal.slice(0, journal.indexOf('\n'))) as RunHeader;
}

/** Runs `recover` with these flags, rolls it back, and leaves a run with the same header that was interrupted at once. */
async function interrupt(...flags: readonly string[]): Promise<string> {
  const ended = await cli('recover', '--yes', ...flags);
  expect(ended.exitCode, ended.stderr).toBe(0);
  const done = (await store().open('latest')).id;
  const {
    playbook,
    resumeCommand,
    input,
    command = [],
    flags: recorded = {},
    inputs = [],
    tool = '',
  } = await headerOf(done);
  const identity = flags.includes('--backup-recipient') ? ['--backup-identity', 'key.txt'] : [];
  const undone = await cli('rollback', 'latest', '--yes', '--force', ...identity);
  expect(undone.exitCode, undone.stderr).toBe(0);
  const seal = recorded['backup-recipient'] as readonly string[] | undefined;
  const local = openRunStore(createLocalHost({ root: hostPath(node.root) }), undefined, { recipients: seal });
  const run = await local.create({
    ...{ playbook, resumeCommand, input, at: AT },
    origin: { command, flags: recorded, inputs, tool },
  });
  await run.append({ type: 'end', outcome: 'interrupted', at: AT.toISOString() });
  return run.id;
}

const keyOf = async (file: string): Promise<string> =>
  (await readFile(at(file), 'utf8')).split('\n').find((line) => line.includes('client-key-data')) ?? '';
const keys = async (): Promise<readonly string[]> => Promise.all(KUBECONFIGS.map(keyOf));

describe('a resumed recovery', () => {
  it('goes as it began, with the flags of its journal', async () => {
    const before = await keys();
    const certificate = await readFile(at(CERTIFICATE), 'utf8');
    const run = await interrupt('--new-keys', '--only', 'kubeconfig', '--days', '30');
    expect(await keys()).toEqual(before);
    const resumed = await cli('recover', '--resume', '--yes', '--json');
    expect(JSON.parse(resumed.stdout), resumed.stderr).toMatchObject({
      ok: true,
      result: { runId: run, outcome: 'done' },
    });
    expect((await keys()).map((key, index) => key === before[index])).toEqual([false, false, false]);
    expect(await readFile(at(CERTIFICATE), 'utf8')).toBe(certificate);
    const { stdout } = await cli('certs', 'check', '--json');
    expect(stdout).toContain('admin.conf');
    expect(await headerOf(run)).toMatchObject({
      version: 2,
      command: ['recover'],
      flags: { 'new-keys': true, only: ['kubeconfig'], days: 30, 'kubernetes-dir': '/etc/kubernetes' },
      root: node.root,
    });
  });

  it('accepts flags that agree, and refuses others by name without changing anything', async () => {
    const run = await interrupt('--new-keys', '--only', 'kubeconfig');
    const before = await keys();
    for (const [words, difference] of [
      [['--days', '30'], '--days: then not given, now 30'],
      [['--only', 'pki'], '--only: then kubeconfig, now pki'],
      [['--skip', 'pki'], '--skip: then not given, now pki'],
      [['--kubernetes-dir', '/etc/other'], '--kubernetes-dir: then /etc/kubernetes, now /etc/other'],
    ] as const) {
      const refused = await cli('recover', '--resume', '--yes', '--json', ...words);
      expect(refused.exitCode).toBe(4);
      const { error } = JSON.parse(refused.stdout) as { error: { code: string; message: string; subject: string } };
      expect(error).toMatchObject({ code: 'RESUME_CONTRADICTS', subject: run });
      expect(error.message).toContain(difference);
    }
    expect(await keys()).toEqual(before);
    const agreed = await cli('recover', '--resume', '--yes', '--new-keys', '--only', 'kubeconfig');
    expect(agreed.exitCode, agreed.stderr).toBe(0);
  });

  it('stays encrypted', async () => {
    const identity = await generateIdentity();
    const recipient = await identityToRecipient(identity);
    await writeFile(path.join(directory, 'key.txt'), identity);
    const run = await interrupt('--new-keys', '--only', 'kubeconfig', '--backup-recipient', recipient);
    expect(await headerOf(run)).toMatchObject({ seal: [recipient] });
    const other = await identityToRecipient(await generateIdentity());
    const refused = await cli('recover', '--resume', '--yes', '--backup-recipient', other, '--json');
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'RESUME_CONTRADICTS' } });
    const resumed = await cli('recover', '--resume', '--yes', '--backup-identity', 'key.txt');
    expect(resumed.exitCode, resumed.stderr).toBe(0);
    const kept = await readdir(path.join(node.root, RUNS, run, 'backup'));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.filter((name) => !name.endsWith('.sealed'))).toEqual([]);
  });

  it('refuses a file handed in that has changed or is missing, by name', async () => {
    const set = path.join(directory, 'set');
    const credentials = path.join(directory, 'keys.json');
    await mkdir(set);
    await writeFile(path.join(set, 'ca.crt'), 'one');
    await writeFile(credentials, '{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"hunter2hunter2"}');
    const { digestInputs } = await import('./handed-in-files.ts');
    const host = createLocalHost();
    const files = { host, path: (text: string) => hostPath(text) };
    const inputs = await digestInputs({ certs: set, 'aws-credentials': credentials }, {}, files);
    expect(JSON.stringify(inputs)).not.toContain('hunter2');
    const flags = { certs: set, 'aws-credentials': credentials };
    const run = await store().create({
      ...{ playbook: 'kubeadm', at: AT, resumeCommand: 'recover --resume' },
      origin: { command: ['recover'], flags, inputs, tool: '0.1.0' },
    });
    await run.append({ type: 'end', outcome: 'interrupted', at: AT.toISOString() });
    const refusal = async (): Promise<string> => {
      const { stdout, exitCode } = await cli('recover', '--resume', '--yes', '--json');
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
      return `${exitCode} ${error.code} ${error.message}`;
    };
    await writeFile(path.join(set, 'ca.crt'), 'two');
    await rm(credentials);
    await writeFile(path.join(set, 'new.crt'), 'three');
    const message = await refusal();
    expect(message).toContain('4 RESUME_INPUT_CHANGED');
    expect(message).toContain(`${set}/ca.crt (--certs) has changed`);
    expect(message).toContain(`${set}/new.crt (--certs) is new`);
    expect(message).toContain(`${credentials} (--aws-credentials) is missing`);
    await rm(set, { recursive: true });
    expect(await refusal()).toContain(`${set} (--certs) is missing`);
  });

  it('of version 1 uses the flags of the command line, and says so', async () => {
    const run = await interrupt('--only', 'kubeconfig');
    const journal = path.join(node.root, RUNS, run, 'journal.jsonl');
    const lines = (await readFile(journal, 'utf8')).trim().split('\n');
    const version1 = lines.map((line) => {
      const { type, id, playbook, host, at: time, outcome } = JSON.parse(line) as Record<string, string>;
      return JSON.stringify(
        type === 'run' ? { type, version: 1, id, playbook, host, at: time } : { type, outcome, at: time },
      );
    });
    await writeFile(journal, `${version1.join('\n')}\n`);
    await rm(path.join(node.root, RUNS, run, 'head.json'));
    // The finished runs are newer than a run of version 1.
    for (const { id } of (await store().list()).filter((each) => each.id !== run)) {
      await rm(path.join(node.root, RUNS, id), { recursive: true });
    }
    const resumed = await cli('recover', '--resume', '--yes', '--json', '--new-keys');
    const { ok, result, warnings } = JSON.parse(resumed.stdout) as { ok: boolean; result: object; warnings: string[] };
    expect([ok, result]).toMatchObject([true, { runId: run }]);
    expect(warnings.join()).toContain(`the flags of run ${run} are not recorded`);
  });
});

describe('the hint of an interrupted run', () => {
  it('can be pasted: it names the root, also one with a blank in its name', async () => {
    const run = await interrupt('--only', 'kubeconfig');
    const refused = await cli('certs', 'renew', '--yes');
    expect(refused.exitCode).toBe(0);
    await (await store().open(run)).append({ type: 'resumed', at: AT.toISOString() });
    const { stdout } = await cli('certs', 'renew', '--all', '--yes', '--json');
    const { error } = JSON.parse(stdout) as { error: { hint: string } };
    const root = `--root ${node.root}`;
    expect(error.hint).toBe(
      `resume it (\`kube-rescue recover --resume ${root}\`) or roll it back (\`kube-rescue rollback ${run} ${root}\`)`,
    );
  });
});

describe('the newest run', () => {
  it('is rolled back and reported as latest', async () => {
    const before = await readFile(at(CERTIFICATE), 'utf8');
    expect((await cli('certs', 'renew', 'apiserver', '--yes')).exitCode).toBe(0);
    const { id } = await store().open('latest');
    const report = JSON.parse((await cli('report', 'latest', '--json')).stdout) as {
      result: { report: { run: string } };
    };
    expect(report.result.report.run).toBe(id);
    const undone = await cli('rollback', 'latest', '--yes', '--force', '--json');
    expect(JSON.parse(undone.stdout)).toMatchObject({ ok: true, result: { run: id, undone: 1 } });
    expect(await readFile(at(CERTIFICATE), 'utf8')).toBe(before);
  });
});

describe('a run whose journal is lost', () => {
  it('is listed with its reason, and is neither rolled back nor reported', async () => {
    expect((await cli('certs', 'renew', 'apiserver', '--yes')).exitCode).toBe(0);
    expect((await cli('certs', 'renew', 'admin.conf', '--yes')).exitCode).toBe(0);
    const [lost = '', good = ''] = (await store().list()).map(({ id }) => id);
    await rm(path.join(node.root, RUNS, lost, 'journal.jsonl'));
    const listed = await cli('runs', '--json');
    expect(listed.exitCode).toBe(3);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      result: {
        runs: [
          { id: lost, outcome: 'unreadable', problem: { code: 'JOURNAL_LOST', blocksRuns: true } },
          { id: good, outcome: 'done', problem: null },
        ],
      },
    });
    expect((await cli('runs')).stdout).toContain('JOURNAL_LOST');
    for (const words of [
      ['rollback', lost, '--yes'],
      ['report', lost],
      ['certs', 'renew', '--all', '--yes'],
    ]) {
      const refused = await cli(...words, '--json');
      expect([refused.exitCode, JSON.parse(refused.stdout)]).toMatchObject([4, { error: { code: 'JOURNAL_LOST' } }]);
    }
    expect((await cli('rollback', good, '--yes', '--force')).exitCode).toBe(0);
  });
});
