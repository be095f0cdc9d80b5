import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, type PlantedNode, plantNode, runCli } from './cli-process.fixture.ts';

const DAY_MS = 86_400_000;

let node: PlantedNode;
let localFiles: string;
let plan: string;
beforeEach(async () => {
  node = await plantNode({ expired: ['apiserver', 'admin.conf'] });
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-plan-'));
  plan = path.join(localFiles, 'plan.json');
});
afterEach(async () => {
  await Promise.all([node.remove(), rm(localFiles, { recursive: true })]);
});

const cli = (...words: readonly string[]): Promise<Ended> =>
  runCli([...words, '--root', node.root], { cwd: localFiles });
const carryOut = (...words: readonly string[]): Promise<Ended> =>
  cli('recover', '--plan', plan, '--yes', '--json', ...words);
const runs = (): Promise<readonly string[]> =>
  readdir(path.join(node.root, 'var/lib/kube-rescue/runs')).catch(() => []);

function daysOf(file: string): number {
  const certificate = path.join(node.root, 'etc/kubernetes/pki', file);
  const end = execFileSync('openssl', ['x509', '-in', certificate, '-noout', '-enddate']).toString();
  return Math.round((Date.parse(end.replace('notAfter=', '')) - Date.now()) / DAY_MS);
}

describe('a plan that is carried out', () => {
  it('writes certificates with the lifetime of the plan, without the flag', async () => {
    await cli('plan', '--days', '30', '--out', plan);
    const ended = await carryOut();
    expect(ended.exitCode, ended.stdout).toBe(0);
    expect(daysOf('apiserver.crt')).toBe(30);
  });

  it.each([
    ['--days', '3650'],
    ['--new-keys'],
    ['--only', 'pki'],
    ['--renew-within', '30d'],
    ['--kubernetes-dir', '/etc/other'],
    ['--via', 'api'],
    ['--certs', '.'],
  ])('is refused with another flag, by its name: %s', async (...flags) => {
    await cli('plan', '--days', '30', '--out', plan);
    const ended = await carryOut(...flags);
    const { error } = JSON.parse(ended.stdout) as { error: { code: string; message: string } };
    expect(error).toMatchObject({ code: 'PLAN_DIFFERS', message: expect.stringContaining(flags[0] ?? '') });
    expect(ended.exitCode).toBe(4);
    expect(await runs()).toEqual([]);
  });

  it('accepts the same flags again, and those that a plan does not have', async () => {
    await cli('plan', '--days', '30', '--only', 'pki', '--out', plan);
    const { error } = JSON.parse(
      (await carryOut('--days', '30', '--only', 'pki', '--backup-recipient', 'x')).stdout,
    ) as {
      error: { code: string };
    };
    expect(error.code).toBe('USAGE');
    const ended = await carryOut('--days', '30', '--only', 'pki');
    expect(ended.exitCode, ended.stdout).toBe(0);
    expect(daysOf('apiserver.crt')).toBe(30);
  });
});
