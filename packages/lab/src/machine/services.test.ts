import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath, systemClock } from '@kube-rescue/host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderDaemonScript, renderServiceScript, unitProgram } from './services.ts';
import { waitFor } from './waiting.ts';

const deps = { host: createLocalHost(), clock: systemClock };
/** Stands in for the script that becomes the kubelet: says who it is in the same way, then runs `$DAEMON`. */
const DAEMON = `read -r stat </proc/$$/stat
echo "$$ $(echo "\${stat##*) }" | cut -d ' ' -f 20)" >"FOLDER/$1.pid"
exec PROGRAM
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'service-'));
  const node = { name: 'cp1', address: '10.0.0.1', folder: hostPath(folder), labId: '0a1b2c' };
  await writeFile(path.join(folder, 'service'), renderServiceScript(node, ['containerd', 'kubelet']));
  await chmod(path.join(folder, 'service'), 0o700);
});
afterEach(async () => {
  await service('stop', 'kubelet');
  await rm(folder, { recursive: true });
});

async function installDaemon(program: string): Promise<void> {
  const text = DAEMON.replace('FOLDER', folder).replace('PROGRAM', program);
  await writeFile(path.join(folder, 'daemon.sh'), text);
}

async function service(action: string, name: string): Promise<number> {
  const result = await deps.host.exec([path.join(folder, 'service'), action, name], { timeoutMs: 30_000 });
  return result.exitCode;
}

const UNIT = `[Service]
ExecStartPre=/bin/mkdir --parents FOLDER/made
ExecStartPre=/bin/bash -c "echo one two | awk '{print $2}' > FOLDER/made/word"
ExecStart=/bin/sh -c \\
  "sleep 60; true" \\
  --flag=a<b
Restart=always
`;

const pidFile = (): Promise<string> => readFile(path.join(folder, 'kubelet.pid'), 'utf8');

describe('the service command of a node', () => {
  it('starts, restarts and stops a service, and says which with the exit codes of LSB init scripts', async () => {
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

  it('does not start a second process of a service that runs', async () => {
    await installDaemon('sleep 60');
    await service('start', 'kubelet');
    const first = await pidFile();
    expect(await service('start', 'kubelet')).toBe(0);
    expect(await pidFile()).toBe(first);
  });

  it('calls a service stopped that ended by itself', async () => {
    await installDaemon('true');
    expect(await service('start', 'kubelet')).toBe(0);
    const status = await waitFor(deps, {
      subject: 'kubelet',
      deadlineMs: 10_000,
      look: async () => ((await service('status', 'kubelet')) === 3 ? { value: 3 } : { waitingFor: 'its end' }),
    });
    expect(status).toBe(3);
  });

  it('is not fooled by another process that was given the pid', async () => {
    await writeFile(path.join(folder, 'kubelet.pid'), `${process.pid} 1\n`);
    expect(await service('status', 'kubelet')).toBe(3);
    expect(await service('stop', 'kubelet')).toBe(0);
  });

  it('runs a unit file: what stands before the start, lines that go on, and no variables', async () => {
    const node = { name: 'cp1', address: '10.0.0.1', folder: hostPath(folder), labId: '0a1b2c' };
    const unit = path.join(folder, 'kubelet.service');
    await writeFile(unit, UNIT.replaceAll('FOLDER', folder).replace('--flag=a<b', '"--flag=a<b"'));
    const program = unitProgram(unit);
    await writeFile(path.join(folder, 'daemon.sh'), renderDaemonScript(node, [{ name: 'kubelet', program }]));
    expect(await service('start', 'kubelet')).toBe(0);
    expect(await service('status', 'kubelet')).toBe(0);
    expect(await readFile(path.join(folder, 'made/word'), 'utf8')).toBe('two\n');
    const [pid = ''] = (await pidFile()).split(' ');
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    expect(argv.slice(0, -1)).toEqual(['/bin/sh', '-c', 'sleep 60; true', '--flag=a<b']);
  });

  it('does not start a unit whose preparation fails', async () => {
    const node = { name: 'cp1', address: '10.0.0.1', folder: hostPath(folder), labId: '0a1b2c' };
    const unit = path.join(folder, 'kubelet.service');
    await writeFile(unit, '[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep 60\n');
    const program = unitProgram(unit);
    await writeFile(path.join(folder, 'daemon.sh'), renderDaemonScript(node, [{ name: 'kubelet', program }]));
    expect(await service('start', 'kubelet')).toBe(1);
    expect(await service('status', 'kubelet')).toBe(3);
  });

  it('does not know services of other names', async () => {
    expect(await service('status', 'sshd')).toBe(4);
  });
});
