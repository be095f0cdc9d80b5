import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expectCode, requireProgram, type RunningSshServer, startSshServer } from '@kube-rescue/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSshHost, hostPath, type SshHost, type SshHostOptions } from '../index.ts';

const MODULE = new URL('../index.ts', import.meta.url).href;
const WAIT = { timeout: 60_000, interval: 100 };

describe.skipIf(!requireProgram('ssh', 'sshd'))('a lock over SSH', () => {
  let server: RunningSshServer;
  let directory: string;
  let file: ReturnType<typeof hostPath>;
  let host: SshHost;
  const others: ChildProcess[] = [];
  const optionsOf = ({ address, port, identityFile, knownHostsFile }: RunningSshServer): SshHostOptions => ({
    ...{ address, port, user: 'root' },
    ...{ identityFile: hostPath(identityFile), knownHostsFile: hostPath(knownHostsFile) },
  });
  beforeAll(async () => {
    server = await startSshServer();
    host = await createSshHost(optionsOf(server));
  });
  afterAll(async () => {
    await host.close();
    await server.stop();
  });
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kube-rescue-lock-'));
    file = hostPath(path.join(directory, 'lock'));
  });
  afterEach(() => {
    for (const other of others.splice(0)) other.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  it('ends when its holder is killed', async () => {
    const script = `
      import { createSshHost } from ${JSON.stringify(MODULE)};
      const host = await createSshHost(${JSON.stringify(optionsOf(server))});
      await host.acquireLock(${JSON.stringify(file)}, 'the other');
      console.log('held');
      setInterval(() => {}, 1000);
    `;
    const flags = ['--conditions=kube-rescue-source', '--input-type=module', '-e', script];
    const other = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    others.push(other);
    await once(other.stdout, 'data');
    expect((await expectCode(host.acquireLock(file, 'me'), 'HOST_LOCKED')).subject).toBe('the other');
    other.kill('SIGKILL');
    await expect.poll(() => host.acquireLock(file, 'me').then((lock) => lock.release()), WAIT).toBeUndefined();
  });

  it('is known to be lost when its file was removed', async () => {
    const lock = await host.acquireLock(file, 'me');
    expect(await Promise.all([lock.isHeld(), lock.isHeld()])).toEqual([true, true]);
    rmSync(file);
    expect(await lock.isHeld()).toBe(false);
    await lock.release();
  });

  it('is refused where its directory is missing', async () => {
    await expectCode(host.acquireLock(hostPath(`${directory}/none/lock`), 'me'), 'HOST_NOT_FOUND');
  });

  it('is taken through a jump host, with the same key', async () => {
    const { address, port } = server;
    const behind = await createSshHost({ ...optionsOf(server), jump: { address, port, user: 'root' } });
    const lock = await behind.acquireLock(file, 'me');
    expect(await lock.isHeld()).toBe(true);
    await lock.release();
    await behind.close();
    await expectCode(
      createSshHost({ ...optionsOf(server), jump: { address: '-oProxyCommand=x' } }),
      'HOST_PATH_INVALID',
    );
  });
});
