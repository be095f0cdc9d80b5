import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hostPath } from '../host-path.ts';
import { openSshConnection } from '../ssh/ssh-connection.ts';
import { preventCoreDumps } from './local-core-dumps.ts';
import { execLocally } from './local-exec.ts';
import { createLocalHost } from './local-host.ts';
import { findProgram, trustedDirectories } from './trusted-programs.ts';

const timeoutMs = 60_000;
const NOBODY = 65_534;
/** What an operator's shell, sudo -E or a CI job may hold. */
const SECRETS: Readonly<Record<string, string>> = {
  AWS_SECRET_ACCESS_KEY: 'planted-secret',
  AWS_SESSION_TOKEN: 'planted-secret',
  VAULT_TOKEN: 'planted-secret',
  KUBE_TOKEN: 'planted-secret',
  NODE_OPTIONS: '--max-http-header-size=16384',
  NODE_EXTRA_CA_CERTS: '/nonexistent',
  LD_LIBRARY_PATH: '/nonexistent',
  BASH_ENV: '/nonexistent',
  SSH_AUTH_SOCK: '/nonexistent/agent',
  SSH_ASKPASS: '/nonexistent/ask',
  ETCDCTL_PASSWORD: 'planted-secret',
};

let directory: string;
let bin: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-programs-'));
  bin = path.join(directory, 'bin');
  await mkdir(bin, { mode: 0o755 });
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(directory, { recursive: true }));

/** A program that writes the environment that the kernel gave it. */
async function plantRecorder(at: string, name: string): Promise<string> {
  const record = path.join(directory, `environment-of-${name}`);
  const file = path.join(at, name);
  await writeFile(file, `#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ > ${record}\n`);
  await chmod(file, 0o755);
  return record;
}

function stubEnvironment(searched: string): void {
  for (const [name, value] of Object.entries(SECRETS)) vi.stubEnv(name, value);
  vi.stubEnv('PATH', searched);
  vi.stubEnv('LC_ALL', 'C.UTF-8');
}

const namesIn = async (record: string): Promise<readonly string[]> =>
  (await readFile(record, 'utf8'))
    .split('\n')
    .map((line) => line.split('=')[0] ?? '')
    // The shell of the recorder sets these.
    .filter((name) => name !== '' && !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name));

const ALLOWED = ['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TERM', 'TZ'];
const isAllowed = (name: string): boolean => ALLOWED.includes(name) || name.startsWith('LC_');

describe('a program that this process starts gets no secret of its environment', () => {
  const searched = (): string => `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`;

  it.each([
    ['a program by its name', 'systemctl', () => execLocally(['systemctl', 'status'], { timeoutMs })],
    ['flock', 'flock', () => createLocalHost().acquireLock(hostPath(path.join(directory, 'lock')), 'me')],
    ['prlimit', 'prlimit', () => execLocally(['prlimit', '--core=1:'], { timeoutMs })],
    [
      'a --service-command',
      'service',
      () => createLocalHost({ serviceCommand: hostPath(path.join(bin, 'service')) }).services.act('restart', 'kubelet'),
    ],
  ])('%s', async (_, name, start) => {
    const record = await plantRecorder(bin, name);
    stubEnvironment(searched());
    await start();
    const names = await namesIn(record);
    expect(names.filter((each) => !isAllowed(each))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['PATH', 'LC_ALL']));
    expect(await readFile(record, 'utf8')).not.toContain('planted-secret');
    await rm(path.join(bin, name));
  });

  it('ssh, which gets the socket of the agent in addition', async () => {
    const record = await plantRecorder(bin, 'ssh');
    stubEnvironment(searched());
    const connection = await openSshConnection({ address: '192.0.2.1' });
    await connection.run(['true'], { timeoutMs });
    await connection.close();
    const names = await namesIn(record);
    expect(names.filter((each) => !isAllowed(each))).toEqual(['SSH_AUTH_SOCK']);
    await rm(path.join(bin, 'ssh'));
  });

  it('and core dumps are still prevented', async () => {
    stubEnvironment(searched());
    expect(await preventCoreDumps()).toBeUndefined();
  });
});

describe('a program called by its name is searched in directories that only root can write', () => {
  const given = async (name: string, mode: number, owner = process.getuid?.() ?? 0): Promise<string> => {
    const at = path.join(directory, name);
    await mkdir(at, { recursive: true });
    await writeFile(path.join(at, 'tool'), '#!/bin/sh\necho planted\n', { mode: 0o755 });
    await chmod(path.join(at, 'tool'), 0o755);
    if (process.getuid?.() === 0) await chown(at, owner, 0);
    await chmod(at, mode);
    return at;
  };

  it('not in one that others or another group can write, nor relative to the present directory', async () => {
    const open = await given('world', 0o777);
    const sticky = await given('sticky', 0o1777);
    const closed = await given('closed', 0o755);
    expect(findProgram('tool', `${open}:${sticky}:.::bin`)).toEqual({
      file: undefined,
      untrusted: path.join(open, 'tool'),
    });
    expect(findProgram('tool', `${open}:${closed}`)).toEqual({ file: path.join(closed, 'tool') });
    expect(trustedDirectories(`.:${open}::${closed}:relative`)).toEqual([closed]);
    vi.stubEnv('PATH', open);
    await expect(execLocally(['tool'], { timeoutMs })).rejects.toMatchObject({
      code: 'HOST_EXEC_NOT_FOUND',
      message: expect.stringContaining(path.join(open, 'tool')),
    });
    const group = await given('group', 0o775);
    if (process.getuid?.() === 0) {
      await chown(group, 0, NOBODY);
      expect(trustedDirectories(group)).toEqual([]);
    }
  });

  it.runIf(process.getuid?.() === 0)(
    'not in one of another user, nor below one, nor a file or link target of one',
    async () => {
      const theirs = await given('theirs', 0o755, NOBODY);
      await mkdir(path.join(theirs, 'below'));
      await writeFile(path.join(theirs, 'below/tool'), '#!/bin/sh\n', { mode: 0o755 });
      const closed = await given('mixed', 0o755);
      await chown(path.join(closed, 'tool'), NOBODY, NOBODY);
      const linked = await given('linked', 0o755);
      await rm(path.join(linked, 'tool'));
      await symlink(path.join(theirs, 'below/tool'), path.join(linked, 'tool'));
      const writable = await given('writable', 0o755);
      await chmod(path.join(writable, 'tool'), 0o777);
      const directoryLink = path.join(directory, 'directory-link');
      await symlink(theirs, directoryLink);
      for (const at of [theirs, path.join(theirs, 'below'), closed, linked, writable, directoryLink]) {
        expect(findProgram('tool', at).file, at).toBeUndefined();
      }
    },
  );

  it('and the programs it starts search only there', async () => {
    const open = await given('world', 0o777);
    vi.stubEnv('PATH', `.:${open}:/usr/bin:/bin`);
    const { stdout } = await execLocally(['sh', '-c', 'echo "$PATH"'], { timeoutMs });
    expect(stdout).toBe(`${trustedDirectories('/usr/bin:/bin').join(':')}\n`);
  });

  it('or in the usual ones without a PATH', () => {
    expect(findProgram('sh', '').file).toMatch(/\/bin\/sh$/);
    expect(findProgram('sh', undefined).file).toMatch(/\/bin\/sh$/);
  });
});
