import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExecResult } from '../host.ts';
import { hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';
import { systemdServices } from './local-services.ts';

describe('services behind a command', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function servicesOf(script: string) {
    const command = path.join(directory, 'services');
    await writeFile(command, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return createLocalHost({ serviceCommand: hostPath(command) }).services;
  }

  it.each([
    [0, 'running'],
    [3, 'stopped'],
    [4, 'unknown'],
    [1, 'unknown'],
  ])('takes exit code %i of status as %s', async (exitCode, state) => {
    const services = await servicesOf(`[ "$1 $2" = "status kubelet" ] && exit ${exitCode}; exit 99`);
    expect(await services.status('kubelet')).toBe(state);
  });

  it('is called with the action and the name', async () => {
    const log = path.join(directory, 'log');
    const services = await servicesOf(`echo "$@" >> ${log}`);
    for (const action of ['stop', 'start', 'restart'] as const) await services.act(action, 'kubelet');
    expect(await readFile(log, 'utf8')).toBe('stop kubelet\nstart kubelet\nrestart kubelet\n');
  });

  it('reports why an action failed', async () => {
    const services = await servicesOf('echo starting; echo "bad flag" >&2; exit 1');
    await expect(services.act('start', 'kubelet')).rejects.toMatchObject({
      code: 'HOST_SERVICE_FAILED',
      subject: 'kubelet',
      message: 'cannot start the service (exit 1): bad flag',
    });
  });

  it('distinguishes an unknown service from a failed one', async () => {
    const services = await servicesOf('exit 4');
    await expect(services.act('start', 'kubelet')).rejects.toMatchObject({ code: 'HOST_SERVICE_UNKNOWN' });
  });

  it('knows no state when the command cannot be run', async () => {
    const { services } = createLocalHost({ serviceCommand: hostPath('/no/such/program') });
    expect(await services.status('kubelet')).toBe('unknown');
    await expect(services.act('start', 'kubelet')).rejects.toMatchObject({ code: 'HOST_SERVICE_FAILED' });
  });
});

/** Services of a systemd that answers `result` to every call. */
function systemctl(result: Partial<ExecResult>) {
  const calls: (readonly string[])[] = [];
  const services = systemdServices(async (argv) => {
    calls.push(argv);
    return { exitCode: 0, stdout: '', stderr: '', ...result };
  });
  return { services, calls };
}

describe('services behind systemd', () => {
  it.each([
    ['LoadState=loaded\nActiveState=active\n', 'running'],
    ['LoadState=loaded\nActiveState=reloading\n', 'running'],
    ['LoadState=loaded\nActiveState=activating\n', 'starting'],
    ['LoadState=loaded\nActiveState=failed\n', 'stopped'],
    ['LoadState=not-found\nActiveState=inactive\n', 'unknown'],
  ])('reads %j as %s', async (stdout, state) => {
    expect(await systemctl({ stdout }).services.status('kubelet')).toBe(state);
  });

  it('knows no state when systemd does not answer', async () => {
    expect(await systemctl({ exitCode: 1 }).services.status('kubelet')).toBe('unknown');
  });

  it('does not take a name for an option', async () => {
    const { services, calls } = systemctl({});
    await services.act('restart', '--force');
    expect(calls).toEqual([['systemctl', 'restart', '--', '--force']]);
  });

  it('distinguishes a missing unit from a failed one', async () => {
    const missing = systemctl({ exitCode: 5, stderr: 'Unit kubelet.service not found.\n' });
    await expect(missing.services.act('start', 'kubelet')).rejects.toMatchObject({ code: 'HOST_SERVICE_UNKNOWN' });
    const failed = systemctl({ exitCode: 1, stderr: 'Job failed.\n' });
    await expect(failed.services.act('start', 'kubelet')).rejects.toMatchObject({
      code: 'HOST_SERVICE_FAILED',
      message: 'cannot start the service (exit 1): Job failed.',
    });
  });
});
