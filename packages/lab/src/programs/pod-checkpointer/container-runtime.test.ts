import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerdRuntime } from './container-runtime.ts';
import { FakeCtr } from './fake-ctr.fixture.ts';

const ENDPOINT = 'unix:///run/c.sock';
const { PATH } = process.env;

describe('what runs in containerd', () => {
  let ctr: FakeCtr;
  beforeEach(async () => {
    ctr = await FakeCtr.install(await mkdtemp(path.join(tmpdir(), 'ctr-')));
    process.env['PATH'] = `${ctr.folder}:${PATH ?? ''}`;
  });
  afterEach(async () => {
    process.env['PATH'] = PATH;
    await rm(ctr.folder, { recursive: true });
  });

  it('is told by the tasks that run: a sandbox alone is enough, a stopped task is not', async () => {
    await ctr.tell({
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

  it('is asked for the labels of each container once, and of one that ended in between in vain', async () => {
    await ctr.tell({ a1: { status: 'RUNNING', pod: 'default/web' }, z9: { status: 'RUNNING' } });
    const runtime = containerdRuntime(ENDPOINT);
    await runtime.runningPods();
    expect([...(await runtime.runningPods())]).toEqual(['default/web']);
    expect(await readFile(path.join(ctr.folder, 'asked'), 'utf8')).toBe('a1\nz9\n');
  });

  it('is unknown when containerd does not answer', async () => {
    await writeFile(path.join(ctr.folder, 'ctr'), '#!/bin/sh\necho "ctr: connection refused" >&2; exit 1\n');
    await expect(containerdRuntime(ENDPOINT).runningPods()).rejects.toThrow('connection refused');
  });
});
