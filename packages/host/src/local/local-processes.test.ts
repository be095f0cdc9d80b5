import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProcesses } from './local-processes.ts';

describe('the processes of this machine', () => {
  it('show this one, with its arguments and its cgroup', () => {
    const own = readProcesses().find(({ pid }) => pid === process.pid);
    expect(own?.argv.length).toBeGreaterThan(0);
    expect(own?.cgroup).toMatch(/^\d+:.*:\//);
  });

  it('are those whose cgroup and arguments are wanted', () => {
    const own = readProcesses().find(({ pid }) => pid === process.pid);
    const argv = (words: readonly string[]): boolean => words.join(' ') === own?.argv.join(' ');
    const cgroup = (text: string): boolean => text === own?.cgroup;
    expect(readProcesses({ argv, cgroup }).find(({ pid }) => pid === process.pid)).toEqual(own);
    expect(readProcesses({ argv, cgroup }).every((each) => argv(each.argv) && cgroup(each.cgroup))).toBe(true);
    expect(readProcesses({ argv, cgroup: () => false })).toEqual([]);
    expect(readProcesses({ argv: () => false, cgroup })).toEqual([]);
  });

  it('show the user of a process, for any process name', async () => {
    const child = spawn(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', 'bash', '-c', 'exec -a kubelet sleep 60'],
      { stdio: 'ignore' },
    );
    try {
      await expect
        .poll(() =>
          readProcesses()
            .find(({ pid }) => pid === child.pid)
            ?.argv.at(-1),
        )
        .toBe('60');
      const all = readProcesses();
      expect(all.find(({ pid }) => pid === child.pid)?.uid).toBe(65534);
      expect(all.find(({ pid }) => pid === process.pid)?.uid).toBe(process.getuid?.());
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('have a start time, even with parentheses in their names', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
    const program = path.join(directory, 'a) R 1 (b');
    await copyFile('/bin/sh', program);
    const child = spawn(program, ['-c', 'read line', '', 'last'], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      // A starting process has no arguments for a moment.
      await expect.poll(() => readProcesses().find(({ pid }) => pid === child.pid)?.argv).not.toEqual([]);
      const all = readProcesses();
      const found = all.find(({ pid }) => pid === child.pid);
      const own = all.find(({ pid }) => pid === process.pid);
      expect(found?.argv).toEqual([program, '-c', 'read line', '', 'last']);
      expect(found?.startTicks).toBeGreaterThan(own?.startTicks ?? Number.POSITIVE_INFINITY);
      // Ticks are hundredths of a second, and this test takes less than a minute.
      expect(found?.startTicks).toBeLessThan((own?.startTicks ?? 0) + process.uptime() * 100 + 6000);
    } finally {
      child.kill('SIGKILL');
      await rm(directory, { recursive: true });
    }
  });
});
