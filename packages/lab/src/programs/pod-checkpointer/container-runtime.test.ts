import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerdRuntime } from './container-runtime.ts';
import { FakeCtr } from './fake-ctr.fixture.ts';

const ENDPOINT = 'unix:///run/c.sock';
const { PATH } = process.env;

describe('the running pods of containerd', () => {
  let ctr: FakeCtr;
  beforeEach(async () => {
    ctr = await FakeCtr.install(await mkdtemp(path.join(tmpdir(), 'ctr-')));
    process.env['PATH'] = `${ctr.directory}:${PATH ?? ''}`;
  });
  afterEach(async () => {
    process.env['PATH'] = PATH;
    await rm(ctr.directory, { recursive: true });
  });

  it('are those with a running task: a sandbox is enough, a stopped task is not', async () => {
    await ctr.setTasks({
      a1: { status: 'RUNNING', pod: 'kube-system/kube-apiserver-x' },
      b2: { status: 'RUNNING', pod: 'kube-system/kube-proxy-y' },
      b3: { status: 'RUNNING', pod: 'kube-system/kube-proxy-y' },
      c4: { status: 'STOPPED', pod: 'kube-system/gone' },
    });
    expect([...(await containerdRuntime(ENDPOINT).runningPods())]).toEqual([
      'kube-system/kube-apiserver-x',
      'kube-system/kube-proxy-y',
    ]);
  });

  it('are found by the labels of each container, read once; a container that exited meanwhile is skipped', async () => {
    await ctr.setTasks({ a1: { status: 'RUNNING', pod: 'default/web' }, z9: { status: 'RUNNING' } });
    const runtime = containerdRuntime(ENDPOINT);
    await runtime.runningPods();
    expect([...(await runtime.runningPods())]).toEqual(['default/web']);
    expect(await readFile(path.join(ctr.directory, 'asked'), 'utf8')).toBe('a1\nz9\n');
  });

  it('are unknown when containerd does not answer', async () => {
    await writeFile(path.join(ctr.directory, 'ctr'), '#!/bin/sh\necho "ctr: connection refused" >&2; exit 1\n');
    await expect(containerdRuntime(ENDPOINT).runningPods()).rejects.toThrow('connection refused');
  });
});
