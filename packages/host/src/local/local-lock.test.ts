import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';
import { readProcesses } from './local-processes.ts';

const MODULE = new URL('local-host.ts', import.meta.url).href;
const host = createLocalHost();
const others: ChildProcess[] = [];

/** The inodes of the open files of a process. */
function openInodes(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return [statSync(`/proc/${pid}/fd/${name}`).ino];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Another process that takes the lock, runs `then`, and reports it. */
async function otherHolder(file: string, then: string): Promise<ChildProcess> {
  const script = `
    import { createLocalHost } from ${JSON.stringify(MODULE)};
    const lock = await createLocalHost().acquireLock(${JSON.stringify(file)}, 'the other');
    ${then}
    console.log('held');
  `;
  const child = spawn(process.execPath, ['--conditions=kube-rescue-source', '--input-type=module', '-e', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  others.push(child);
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of this machine', () => {
  let directory: string;
  let file: ReturnType<typeof hostPath>;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
    file = hostPath(path.join(directory, 'lock'));
  });
  afterEach(async () => {
    for (const other of others.splice(0)) other.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  it('is released when its holder is killed', async () => {
    const other = await otherHolder(file, 'setInterval(() => {}, 1000);');
    await expect(host.acquireLock(file, 'me')).rejects.toMatchObject({ code: 'HOST_LOCKED', subject: 'the other' });
    const gone = once(other, 'exit');
    other.kill('SIGKILL');
    await gone;
    await expect.poll(() => host.acquireLock(file, 'me').then((lock) => lock.release())).toBeUndefined();
  });

  it('outlives a Ctrl-C that its holder survives', async () => {
    const other = await otherHolder(
      file,
      "process.on('SIGINT', () => console.log('no')); setInterval(() => {}, 1000);",
    );
    process.kill(-(other.pid ?? 0), 'SIGINT');
    if (other.stdout !== null) await once(other.stdout, 'data');
    await expect(host.acquireLock(file, 'me')).rejects.toMatchObject({ code: 'HOST_LOCKED' });
  });

  it('is held by no other process that could be ended', async () => {
    const lock = await host.acquireLock(file, 'me');
    const { ino } = await stat(file);
    const holders = readProcesses().filter(({ pid }) => openInodes(pid).includes(ino));
    expect(holders.map(({ pid }) => pid)).toEqual([process.pid]);
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
    expect(await lock.isHeld()).toBe(false);
  });

  it('is not inherited by programs that run meanwhile', async () => {
    const lock = await host.acquireLock(file, 'me');
    const sleeping = host.exec(['sh', '-c', 'echo started; exec sleep 5'], {
      timeoutMs: 60_000,
      onLine: () => void lock.release(),
    });
    await expect.poll(() => host.acquireLock(file, 'other').then((other) => other.release())).toBeUndefined();
    await sleeping;
  });

  it.each([
    ['removed', async (name: string) => rm(name)],
    ['replaced', async (name: string) => writeFile(`${name}.new`, '').then(() => rename(`${name}.new`, name))],
  ])('is known to be lost when its file is %s, which lets another process take it', async (_, lose) => {
    const lock = await host.acquireLock(file, 'me');
    await lose(file);
    expect(await lock.isHeld()).toBe(false);
    await (await host.acquireLock(file, 'another')).release();
    await lock.release();
  });

  it('does not prevent the exit of its holder', async () => {
    const other = await otherHolder(file, '');
    const [exitCode] = (await once(other, 'exit')) as unknown[];
    expect(exitCode).toBe(0);
  });

  it('names its holder on one line, and no earlier one', async () => {
    await (await host.acquireLock(file, 'a much longer name of an earlier holder')).release();
    const lock = await host.acquireLock(file, 'two\nlines');
    expect(await readFile(file, 'utf8')).toBe('two lines\n');
    await lock.release();
  });

  it('reports a missing directory of the lock', async () => {
    await expect(host.acquireLock(hostPath(`${directory}/none/lock`), 'me')).rejects.toMatchObject({
      code: 'HOST_NOT_FOUND',
    });
  });
});
