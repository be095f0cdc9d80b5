import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostPath, hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

describe('reading files of this machine', () => {
  const host = createLocalHost();
  let directory: string;
  const at = (name: string): HostPath => hostPath(path.join(directory, name));
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('does not wait for the writer of a FIFO', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    await expect(host.readFile(at('fifo'))).rejects.toMatchObject({
      code: 'HOST_NOT_A_REGULAR_FILE',
      message: 'expected a regular file, found a FIFO',
    });
    await expect(host.appendFile(at('fifo'), Buffer.from('x'), { mode: 0o600 })).rejects.toMatchObject({
      code: 'HOST_NOT_A_REGULAR_FILE',
    });
  });

  it.each([
    ['a file', 'kept'],
    ['its directory', '.'],
  ])('names the immutable attribute of %s before anything is written', async (_title, name) => {
    await writeFile(at('kept'), 'old');
    execFileSync('chattr', ['+i', at(name)]);
    try {
      const asked = host.assertWritable(at(name));
      await expect(asked).rejects.toMatchObject({ code: 'HOST_READ_ONLY', subject: path.normalize(at(name)) });
      await expect(asked).rejects.toMatchObject({ hint: expect.stringContaining('chattr -i') });
    } finally {
      execFileSync('chattr', ['-i', at(name)]);
    }
    await host.assertWritable(at('kept'));
  });

  describe('never opens', () => {
    let other: ChildProcess | undefined;
    afterEach(() => {
      other?.kill('SIGKILL');
    });
    /** A process that waits in open(2) until the other end of the FIFO is opened, and then leaves a mark. */
    const waitAt = async (redirection: '<' | '>'): Promise<void> => {
      execFileSync('mkfifo', [at('fifo')]);
      other = spawn('sh', ['-c', `exec 3${redirection}"$0/fifo"; : >"$0/opened"; sleep 60`, directory], {
        stdio: 'ignore',
      });
      const stat = hostPath(`/proc/${other.pid}/syscall`);
      // openat(2) or open(2) of the running architecture: the process is blocked in a call, not running.
      await expect.poll(async () => Buffer.from((await host.readFile(stat)) ?? []).toString()).toMatch(/^\d+ /);
    };
    const isOpened = (): boolean => existsSync(at('opened'));
    const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 300));

    it('a FIFO to read it, not even through a link', async () => {
      await waitAt('>');
      await symlink(at('fifo'), at('link'));
      for (const name of ['fifo', 'link']) {
        await expect(host.readFile(at(name))).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
        await expect(host.readRange(at(name), { offset: 0, length: 1 })).rejects.toMatchObject({
          code: 'HOST_NOT_A_REGULAR_FILE',
        });
      }
      const copy = createLocalHost({ root: hostPath(directory) });
      await expect(copy.readFile(hostPath('/fifo'))).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
      await settle();
      expect(isOpened()).toBe(false);
      // The proof that it was waiting.
      const handle = await open(at('fifo'), 'r');
      await expect.poll(isOpened).toBe(true);
      await handle.close();
    });

    it('a FIFO to write it, as a journal or as a lock', async () => {
      await waitAt('<');
      await expect(host.appendFile(at('fifo'), Buffer.from('x'), { mode: 0o600 })).rejects.toMatchObject({
        code: 'HOST_NOT_A_REGULAR_FILE',
      });
      await expect(host.acquireLock(at('fifo'), 'a test')).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
      await settle();
      expect(isOpened()).toBe(false);
      const handle = await open(at('fifo'), 'w');
      await expect.poll(isOpened).toBe(true);
      await handle.close();
    });
  });

  it.runIf(process.getuid?.() === 0)('does not write into the file of another user', async () => {
    await writeFile(at('theirs'), 'old');
    await chown(at('theirs'), 65534, 65534);
    await expect(host.appendFile(at('theirs'), Buffer.from('x'), { mode: 0o600 })).rejects.toMatchObject({
      message: 'expected a regular file, found a file of user 65534',
    });
    await expect(host.acquireLock(at('theirs'), 'a test')).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
    expect(Buffer.from((await host.readFile(at('theirs'))) ?? []).toString()).toBe('old');
  });

  it('does not read devices, though they never end', async () => {
    await expect(host.readFile(hostPath('/dev/zero'))).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
  });

  it('does not read sockets', async () => {
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    await expect(host.readFile(at('socket'))).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
    expect((await host.stat(at('socket')))?.kind).toBe('other');
    server.close();
  });

  it('reads files that give no size', async () => {
    const status = await host.readFile(hostPath('/proc/self/status'));
    expect(Buffer.from(status ?? []).toString()).toContain(`Pid:\t${process.pid}`);
  });

  it('reads a file that is larger than one chunk', async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
    await host.writeFile(at('large'), bytes, { mode: 0o600 });
    expect(Buffer.from((await host.readFile(at('large'))) ?? []).equals(bytes)).toBe(true);
  });
});
