import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli, runProgram } from '../../cli/src/cli-process.fixture.ts';

const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const NOBODY = ['--user', '--map-user=65534', '--map-group=65534'];

describe('kube-rescue-drill', () => {
  it('names its flags and every exit code', async () => {
    const { stdout, exitCode } = await runProgram(process.execPath, [BIN, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('kube-rescue-drill --clean');
    for (const flag of ['--scenario', '--algorithm', '--keep', '--clean', '--json']) expect(stdout).toContain(flag);
    for (const code of ['0', '1', '2', '3', '4', '5', '6', '7', '130']) {
      expect(stdout).toMatch(new RegExp(`^ +${code} {2}\\S`, 'm'));
    }
  });

  it('refuses an unknown scenario as wrong usage, in the same envelope', async () => {
    const { stdout, exitCode } = await runProgram(process.execPath, [BIN, '--scenario', 'none', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ apiVersion: 'kube-rescue/v1', ok: false, error: { code: 'USAGE' } });
  });

  it('answers the same when it is started as kube-rescue drill', async () => {
    const { stdout, exitCode } = await runCli(['drill', '--scenario', 'none', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'USAGE' } });
  });

  it('refuses to rehearse without root', async () => {
    const { stdout, exitCode } = await runProgram('unshare', [...NOBODY, process.execPath, BIN, '--json']);
    expect(exitCode).toBe(4);
    // Missing Debian packages are reported first, with one line to paste.
    const { error } = JSON.parse(stdout) as { readonly error?: { readonly code: string } };
    expect(['LAB_NOT_ROOT', 'LAB_PACKAGES_MISSING']).toContain(error?.code);
  });
});
