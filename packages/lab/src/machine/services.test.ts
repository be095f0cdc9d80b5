import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderDaemonScript, renderServiceScript, unitProgram } from './services.ts';
import { waitFor } from './waiting.ts';

const deps = { host: createLocalHost(), clock: systemClock };
/** Replaces the script that becomes the kubelet: writes the pid file in the same format, then runs `$DAEMON`. */
const DAEMON = `read -r stat </proc/$$/stat
echo "$$ $(echo "\${stat##*) }" | cut -d ' ' -f 20)" >"DIRECTORY/$1.pid"
exec PROGRAM
`;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'service-'));
  const node = { name: 'cp1', address: '10.0.0.1', directory: hostPath(directory), labId: '0a1b2c' };
  await writeFile(path.join(directory, 'service'), renderServiceScript(node, ['containerd', 'kubelet']));
  await chmod(path.join(directory, 'service'), 0o700);
});
afterEach(async () => {
  await service('stop', 'kubelet');
  await rm(directory, { recursive: true });
});

async function installDaemon(program: string): Promise<void> {
  const text = DAEMON.replace('DIRECTORY', directory).replace('PROGRAM', program);
  await writeFile(path.join(directory, 'daemon.sh'), text);
}

async function service(action: string, name: string): Promise<number> {
  const result = await deps.host.exec([path.join(directory, 'service'), action, name], { timeoutMs: 30_000 });
  return result.exitCode;
}

const UNIT = `[Service]
ExecStartPre=/bin/mkdir --parents DIRECTORY/made
ExecStartPre=/bin/bash -c "echo one two | awk '{print $2}' > DIRECTORY/made/word"
ExecStart=/bin/sh -c \\
  "sleep 60; true" \\
  --flag=a<b
Restart=always
`;

const pidFile = (): Promise<string> => readFile(path.join(directory, 'kubelet.pid'), 'utf8');

describe('the service command of a node', () => {
  it('starts, restarts and stops a service, and exits as LSB init scripts do', async () => {
    await installDaemon('sleep 60');
    expect(await service('status', 'kubelet')).toBe(3);
    expect(await service('start', 'kubelet')).toBe(0);
    expect(await service('status', 'kubelet')).toBe(0);
    const first = await pidFile();
    expect(await service('restart', 'kubelet')).toBe(0);
    expect(await service('status', 'kubelet')).toBe(0);
    expect(await pidFile()).not.toBe(first);
    expect(await service('stop', 'kubelet')).toBe(0);
    expect(await service('status', 'kubelet')).toBe(3);
  });

  it('does not start a running service twice', async () => {
    await installDaemon('sleep 60');
    await service('start', 'kubelet');
    const first = await pidFile();
    expect(await service('start', 'kubelet')).toBe(0);
    expect(await pidFile()).toBe(first);
  });

  it('reports a service that exited by itself as stopped', async () => {
    await installDaemon('true');
    expect(await service('start', 'kubelet')).toBe(0);
    const status = await waitFor(deps, {
      subject: 'kubelet',
      deadlineMs: 10_000,
      check: async () =>
        (await service('status', 'kubelet')) === 3 ? { value: 3 } : { waitingFor: 'kubelet still runs' },
    });
    expect(status).toBe(3);
  });

  it('is not fooled by another process with the same pid', async () => {
    await writeFile(path.join(directory, 'kubelet.pid'), `${process.pid} 1\n`);
    expect(await service('status', 'kubelet')).toBe(3);
    expect(await service('stop', 'kubelet')).toBe(0);
  });

  it('runs a unit file: ExecStartPre, continued lines, no variable expansion', async () => {
    const node = { name: 'cp1', address: '10.0.0.1', directory: hostPath(directory), labId: '0a1b2c' };
    const unit = path.join(directory, 'kubelet.service');
    await writeFile(unit, UNIT.replaceAll('DIRECTORY', directory).replace('--flag=a<b', '"--flag=a<b"'));
    const program = unitProgram(unit);
    await writeFile(path.join(directory, 'daemon.sh'), renderDaemonScript(node, [{ name: 'kubelet', program }]));
    expect(await service('start', 'kubelet')).toBe(0);
    expect(await service('status', 'kubelet')).toBe(0);
    expect(await readFile(path.join(directory, 'made/word'), 'utf8')).toBe('two\n');
    const [pid = ''] = (await pidFile()).split(' ');
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    expect(argv.slice(0, -1)).toEqual(['/bin/sh', '-c', 'sleep 60; true', '--flag=a<b']);
  });

  it('does not start a unit whose ExecStartPre fails', async () => {
    const node = { name: 'cp1', address: '10.0.0.1', directory: hostPath(directory), labId: '0a1b2c' };
    const unit = path.join(directory, 'kubelet.service');
    await writeFile(unit, '[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 60\n');
    const program = unitProgram(unit);
    await writeFile(path.join(directory, 'daemon.sh'), renderDaemonScript(node, [{ name: 'kubelet', program }]));
    expect(await service('start', 'kubelet')).toBe(1);
    expect(await service('status', 'kubelet')).toBe(3);
  });

  it('exits 4 for an unknown service', async () => {
    expect(await service('status', 'sshd')).toBe(4);
  });
});
