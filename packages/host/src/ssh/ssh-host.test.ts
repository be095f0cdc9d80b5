import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expectCode, requireProgram, type RunningSshServer, startSshServer } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLocalHost, createSshHost, hostPath, type SshHost, type SshHostOptions } from '../index.ts';

const TIMEOUT_MS = 10_000;

function socketFolders(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('kube-rescue-ssh-'));
}

describe.skipIf(!requireProgram('ssh', 'sshd'))('a machine over SSH', () => {
  let server: RunningSshServer;
  let localFiles: string;
  let host: SshHost;
  const at = (name: string): string => path.join(localFiles, name);
  const open = (parts: Partial<SshHostOptions> = {}): Promise<SshHost> => {
    const { address, port } = server;
    const identityFile = hostPath(server.identityFile);
    const knownHostsFile = hostPath(server.knownHostsFile);
    return createSshHost({ address, port, user: 'root', identityFile, knownHostsFile, ...parts });
  };

  beforeAll(async () => {
    server = await startSshServer();
    localFiles = mkdtempSync(path.join(tmpdir(), 'kube-rescue-localFiles-'));
    // Other tests open connections at the same time.
    vi.stubEnv('TMPDIR', localFiles);
    host = await open();
  });
  afterAll(async () => {
    await host.close();
    await server.stop();
    vi.unstubAllEnvs();
    rmSync(localFiles, { recursive: true });
  });

  it('says who it is', () => {
    expect([host.name, host.hostname, host.userId()]).toEqual([
      '127.0.0.1',
      execFileSync('uname', ['-n']).toString().trim(),
      0,
    ]);
  });

  it('says where it is', () => {
    expect(host.addresses).toContain('127.0.0.1');
  });

  it('runs a program with exactly its arguments, and returns its exit code', async () => {
    const words = ['a b', "it's", '$HOME', 'x\ny', '', '*'];
    const { stdout } = await host.exec(['printf', '%s\\0', ...words], { timeoutMs: TIMEOUT_MS });
    expect(stdout.split('\0').slice(0, -1)).toEqual(words);
    const ended = await host.exec(['sh', '-c', 'echo out; echo err >&2; exit 7'], { timeoutMs: TIMEOUT_MS });
    expect(ended).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('does not take a program that ends with 255 for a broken connection', async () => {
    const { exitCode } = await host.exec(['sh', '-c', 'exit 255'], { timeoutMs: TIMEOUT_MS });
    expect(exitCode).toBe(255);
  });

  it('passes input, environment and directory', async () => {
    const input = Buffer.from('secret');
    expect((await host.exec(['cat'], { timeoutMs: TIMEOUT_MS, input })).stdout).toBe('secret');
    const env = { A: 'x y', B: "'" };
    expect((await host.exec(['/usr/bin/env'], { timeoutMs: TIMEOUT_MS, env })).stdout).toBe("A=x y\nB='\n");
    expect((await host.exec(['pwd'], { timeoutMs: TIMEOUT_MS, cwd: hostPath(localFiles) })).stdout).toBe(
      `${localFiles}\n`,
    );
    const cwd = hostPath(at('none'));
    await expectCode(host.exec(['pwd'], { timeoutMs: TIMEOUT_MS, cwd }), 'HOST_NOT_FOUND');
  });

  it('says which program is not there, and ends one that hangs', async () => {
    const missing = await expectCode(host.exec(['no-such-program'], { timeoutMs: TIMEOUT_MS }), 'HOST_EXEC_NOT_FOUND');
    expect(missing.subject).toBe('no-such-program');
    await expectCode(host.exec(['sleep', '60'], { timeoutMs: 300 }), 'HOST_EXEC_TIMEOUT');
  });

  it('asks the service command of that machine', async () => {
    const manager = at('manager');
    writeFileSync(manager, '#!/bin/sh\n[ "$2" = kubelet ] || exit 4\necho "$@" >> "$0.told"\n', { mode: 0o755 });
    const worker = await open({ serviceCommand: hostPath(manager) });
    expect(await worker.services.status('kubelet')).toBe('running');
    await worker.services.act('restart', 'kubelet');
    expect(readFileSync(`${manager}.told`, 'utf8')).toBe('status kubelet\nrestart kubelet\n');
    expect(await worker.services.status('other')).toBe('unknown');
    await expectCode(worker.services.act('restart', 'other'), 'HOST_SERVICE_UNKNOWN');
    await worker.close();
  });

  it('keeps names whole that no shell would', async () => {
    const name = ` a'b"c$(x)\n-e `;
    const file = hostPath(at(name));
    await host.writeFile(file, Buffer.from('x'), { mode: 0o600 });
    expect(await host.list(hostPath(localFiles))).toContain(name);
    expect((await host.stat(file))?.size).toBe(1);
    await host.remove(file);
    expect(await host.stat(file)).toBeUndefined();
  });

  it('lists the processes of that machine as it does itself', async () => {
    const own = (await createLocalHost().processes()).find(({ pid }) => pid === process.pid);
    const seen = (await host.processes()).find(({ pid }) => pid === process.pid);
    expect(seen).toEqual(own);
    expect((await host.processes({ argv: (words) => words.length > 0 })).length).toBeGreaterThan(0);
    expect(await host.processes({ cgroup: () => false })).toEqual([]);
  });

  it('reads a tree with a FIFO, a socket and a device in it without opening them', async () => {
    const directory = hostPath(at('odd'));
    execFileSync('mkdir', [directory]);
    execFileSync('mkfifo', [`${directory}/fifo`]);
    execFileSync('cp', ['-a', '/dev/null', `${directory}/device`]);
    writeFileSync(`${directory}/file`, 'x');
    const tree = await host.readTree([directory], { maxEntries: 10, maxFileBytes: 10, maxBytes: 10 });
    const kinds = [...(tree ?? [])].map(
      ([file, entry]) => `${path.basename(file)} ${entry?.stat.kind} ${entry?.bytes?.length ?? 'unread'}`,
    );
    expect(kinds.toSorted()).toEqual([
      'device other unread',
      'fifo other unread',
      'file file 1',
      'odd directory unread',
    ]);
  });

  it('leaves no socket behind', async () => {
    const before = socketFolders();
    const other = await open();
    expect(socketFolders()).toHaveLength(before.length + 1);
    await other.close();
    expect(socketFolders()).toEqual(before);
    await expectCode(open({ port: 1 }), 'SSH_UNREACHABLE');
    await expectCode(open({ port: 0 }), 'HOST_PATH_INVALID');
    expect(socketFolders()).toEqual(before);
  });

  describe('gets no commands', () => {
    it('when it does not respond', async () => {
      const { subject, hint } = await expectCode(open({ port: 1 }), 'SSH_UNREACHABLE');
      expect([subject, hint]).toEqual(['127.0.0.1', expect.stringContaining('ssh -v 127.0.0.1')]);
      await expectCode(open({ address: 'no-such-name.invalid' }), 'SSH_UNREACHABLE');
    });

    it('when its host key is not known', async () => {
      writeFileSync(at('empty'), '');
      await expectCode(open({ knownHostsFile: hostPath(at('empty')) }), 'SSH_HOST_KEY_UNKNOWN');
      // ssh does not record the host key.
      expect(readFileSync(at('empty'), 'utf8')).toBe('');
    });

    it('when its host key has changed', async () => {
      const [name = ''] = readFileSync(server.knownHostsFile, 'utf8').split(' ');
      const other = readFileSync(`${server.identityFile}.pub`, 'utf8');
      writeFileSync(at('changed'), `${name} ${other}`);
      await expectCode(open({ knownHostsFile: hostPath(at('changed')) }), 'SSH_HOST_KEY_CHANGED');
    });

    it('when it does not know the key that is shown', async () => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('other')]);
      await expectCode(open({ identityFile: hostPath(at('other')) }), 'SSH_AUTHENTICATION_FAILED');
      await expectCode(open({ user: 'nobody-at-all' }), 'SSH_AUTHENTICATION_FAILED');
      // ssh does not use a key that others may read.
      copyFileSync(server.identityFile, at('open'));
      execFileSync('chmod', ['644', at('open')]);
      await expectCode(open({ identityFile: hostPath(at('open')) }), 'SSH_AUTHENTICATION_FAILED');
    });

    it.each(['-oProxyCommand=id', '', 'a b', 'a;id', '../x', 'a\nb'])('when its address is %j', async (address) => {
      await expect(open({ address })).rejects.toMatchObject({ code: 'HOST_PATH_INVALID' });
    });

    it.each([{ user: '-x' }, { user: 'a b' }, { port: 0 }, { port: 70_000 }, { identityFile: hostPath('/a"b') }])(
      'when %j cannot be',
      async (parts) => {
        await expectCode(open(parts), 'HOST_PATH_INVALID');
      },
    );
  });

  it('says so when it goes away in the middle, and what was there stays', async () => {
    const mortal = await startSshServer();
    const identityFile = hostPath(mortal.identityFile);
    const knownHostsFile = hostPath(mortal.knownHostsFile);
    const worker = await createSshHost({
      address: mortal.address,
      port: mortal.port,
      user: 'root',
      identityFile,
      knownHostsFile,
    });
    const file = hostPath(at('file'));
    await worker.writeFile(file, Buffer.from('old'), { mode: 0o600 });
    const dying = async function* () {
      yield Buffer.alloc(5 * 1024 * 1024);
      // The server's sessions are separate processes: the one of this connection is killed too.
      execFileSync('pkill', ['-KILL', '-P', String(mortal.pid)]);
      await mortal.stop();
      yield Buffer.from('more');
    };
    await expectCode(worker.writeFileFrom(file, dying(), { mode: 0o600 }), 'SSH_UNREACHABLE');
    await expectCode(worker.readFile(file), 'SSH_UNREACHABLE');
    expect(readFileSync(file, 'utf8')).toBe('old');
    await worker.close();
  });
});
