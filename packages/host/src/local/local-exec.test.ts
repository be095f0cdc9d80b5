import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { hostPath } from '../host-path.ts';
import { execLocally } from './local-exec.ts';
import { readProcesses } from './local-processes.ts';

/** Generous: every program here is fast, but the machine may be busy. */
const timeoutMs = 60_000;
const sh = (script: string, ...args: string[]): [string, ...string[]] => ['sh', '-c', script, 'sh', ...args];

/** A unique sleep, to find it among all processes. */
function uniqueSeconds(): string {
  return `${1000 + Math.floor(Math.random() * 1e6)}.5`;
}

function findSleepers(seconds: string): readonly number[] {
  const sleepers = readProcesses().filter(({ argv }) => argv[0] === 'sleep' && argv[1] === seconds);
  return sleepers.map(({ pid }) => pid);
}

/** The kernel lists a killed process until it has cleaned up. */
async function expectSleepers(seconds: string, count: number): Promise<void> {
  await vi.waitFor(() => expect(findSleepers(seconds)).toHaveLength(count), { timeout: timeoutMs });
}

describe('running a program', () => {
  it('returns its output and exit code', async () => {
    const result = await execLocally(sh('echo out; echo err >&2; exit 3'), { timeoutMs });
    expect(result).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('reports a signal as 128 + n', async () => {
    expect((await execLocally(sh('kill -TERM $$'), { timeoutMs })).exitCode).toBe(143);
  });

  it('does not let a shell read the arguments', async () => {
    const { stdout } = await execLocally(['printf', '%s|', '$HOME', '; echo x', '*'], { timeoutMs });
    expect(stdout).toBe('$HOME|; echo x|*|');
  });

  it('passes input, environment and directory', async () => {
    const cwd = hostPath(realpathSync(tmpdir()));
    const env = { PATH: '/usr/bin:/bin', ONLY: 'this' };
    const { stdout } = await execLocally(sh('cat; env; pwd'), { timeoutMs, input: 'text\n', env, cwd });
    expect(stdout).toContain('text\n');
    expect(stdout).toContain('ONLY=this\n');
    expect(stdout).not.toContain('HOME=');
    expect(stdout).toContain(`\n${cwd}\n`);
  });

  it('accepts a program that does not read its input', async () => {
    const { exitCode } = await execLocally(['true'], { timeoutMs, input: new Uint8Array(4_000_000) });
    expect(exitCode).toBe(0);
  });

  it('streams every line', async () => {
    const lines: string[] = [];
    await execLocally(sh('echo one; printf tw; sleep 0.1; echo o; printf three'), {
      timeoutMs,
      onLine: (line) => lines.push(line),
    });
    expect(lines).toEqual(['one', 'two', 'three']);
  });

  it('distinguishes lines of the error output', async () => {
    const lines: string[] = [];
    const { stdout } = await execLocally(sh('echo answer; echo progress >&2'), {
      timeoutMs,
      onErrorLine: (line) => lines.push(line),
    });
    expect({ lines, stdout }).toEqual({ lines: ['progress'], stdout: 'answer\n' });
  });

  it('kills a program that prints without an end, which is an error and no short output', async () => {
    const run = execLocally(sh('yes'), { timeoutMs });
    await expect(run).rejects.toMatchObject({ code: 'HOST_EXEC_OUTPUT_TOO_LARGE', subject: 'sh' });
  });

  it('drops a flood of the error output', async () => {
    const { stderr, exitCode } = await execLocally(sh('head -c 20000000 /dev/zero >&2'), { timeoutMs });
    expect(exitCode).toBe(0);
    expect(stderr.length).toBe(16 * 1024 * 1024);
  });

  it('passes a line without an end in parts', async () => {
    const lengths: number[] = [];
    const onLine = (line: string): void => void lengths.push(line.length);
    await execLocally(sh('head -c 5000000 /dev/zero'), { timeoutMs, onLine });
    expect(lengths.reduce((sum, each) => sum + each, 0)).toBe(5_000_000);
    expect(Math.max(...lengths)).toBeLessThan(256 * 1024);
  });

  it('kills a program and its children on timeout', async () => {
    const seconds = uniqueSeconds();
    const run = execLocally(sh('sleep "$1" & sleep "$1"', seconds), { timeoutMs: 200 });
    await expect(run).rejects.toMatchObject({ code: 'HOST_EXEC_TIMEOUT', subject: 'sh' });
    await expectSleepers(seconds, 0);
  });

  it('kills a program and its children on abort', async () => {
    const seconds = uniqueSeconds();
    const stop = new AbortController();
    const run = execLocally(sh('sleep "$1" & sleep "$1"', seconds), { timeoutMs, signal: stop.signal });
    await expectSleepers(seconds, 2);
    stop.abort(new Error('stopped by the operator'));
    await expect(run).rejects.toThrow('stopped by the operator');
    await expectSleepers(seconds, 0);
    await expect(execLocally(['true'], { timeoutMs, signal: stop.signal })).rejects.toThrow('stopped by the operator');
  });

  it('does not wait for a background process of the program', async () => {
    const seconds = uniqueSeconds();
    const { stdout } = await execLocally(sh('sleep "$1" & echo started', seconds), { timeoutMs });
    expect(stdout).toBe('started\n');
    await expectSleepers(seconds, 1);
    for (const pid of findSleepers(seconds)) process.kill(pid);
  });

  it('names a missing program or directory', async () => {
    const missing = execLocally(['kube-rescue-no-such-program'], { timeoutMs });
    await expect(missing).rejects.toMatchObject({
      code: 'HOST_EXEC_NOT_FOUND',
      subject: 'kube-rescue-no-such-program',
    });
    const cwd = hostPath('/kube-rescue-no-such-directory');
    const elsewhere = execLocally(['true'], { timeoutMs, cwd });
    await expect(elsewhere).rejects.toMatchObject({ code: 'HOST_NOT_FOUND', subject: cwd });
    await expect(execLocally(['/etc/passwd'], { timeoutMs })).rejects.toMatchObject({
      code: 'HOST_PERMISSION_DENIED',
    });
  });
});
