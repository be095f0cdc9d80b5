import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
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
