import { stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningProgram } from '../program.fixture.ts';
import { CheckpointedNode } from './checkpointed-node.fixture.ts';
import { FakeCtr } from './fake-ctr.fixture.ts';

describe.skipIf(process.getuid?.() !== 0)('the program pod-checkpointer', () => {
  let node: CheckpointedNode;
  let ctr: FakeCtr;
  let instances: RunningProgram[];
  beforeEach(async () => {
    node = await CheckpointedNode.create();
    ctr = await FakeCtr.install(node.path('bin'));
    await ctr.setTasks({ a1: { status: 'RUNNING', pod: 'kube-system/kube-apiserver-2rdtv' } });
    instances = [];
  });
  afterEach(async () => {
    for (const instance of instances) await instance.stop('SIGKILL');
    await node.dispose();
  });

  function start(podName: string): RunningProgram {
    const args = [
      `--lock-file=${node.path('lock/pod-checkpointer.lock')}`,
      `--kubeconfig=${node.path('kubeconfig')}`,
      '--container-runtime-endpoint=unix:///run/c.sock',
      `--kubernetes-dir=${node.directory}`,
      `--kubelet-url=${node.kubeletUrl}`,
      '-v=4',
    ];
    const environment = {
      NODE_NAME: 'cp1',
      POD_NAME: podName,
      POD_NAMESPACE: 'kube-system',
      PATH: `${ctr.directory}${path.delimiter}${process.env['PATH'] ?? ''}`,
    };
    const instance = new RunningProgram('pod-checkpointer/main.ts', args, environment);
    instances.push(instance);
    return instance;
  }

  it('2: sleeps five seconds before its first pass, and five before the next', async () => {
    const instance = start('pod-checkpointer-8jms9');
    await instance.saying(
      /manifest\.go:77\] Checkpoint manifest for "kube-system\/kube-apiserver-2rdtv" already exists/,
    );
    const secondsOf = (line: RegExp): number => {
      const [, hours, minutes, seconds] = line.exec(instance.log) ?? [];
      return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
    };
    const started = secondsOf(/(\d+):(\d+):([\d.]+) +\d+ main\.go:58\] Starting checkpointer for node: cp1/);
    const first = secondsOf(/(\d+):(\d+):([\d.]+) +\d+ manifest\.go:80\] Writing manifest for/);
    const second = secondsOf(/(\d+):(\d+):([\d.]+) +\d+ manifest\.go:77\] Checkpoint manifest for/);
    // Never earlier; on a busy machine later.
    for (const pause of [first - started, second - first]) {
      expect(pause).toBeGreaterThan(4.9);
      expect(pause).toBeLessThan(9.9);
    }
  });

  it('5: runs twice on a node; one holds the lock, the other waits and takes over when the first exits', async () => {
    const first = start('pod-checkpointer-8jms9');
    await first.saying(/main\.go:58\]/);
    const second = start('pod-checkpointer-8jms9-cp1');
    await second.saying(/main\.go:53\] Trying to acquire the flock at ".*\/lock\/pod-checkpointer\.lock"/);
    await first.saying(/manifest\.go:80\]/);
    expect(second.log).not.toContain('main.go:58');
    const { mode, size, uid } = await stat(node.path('lock/pod-checkpointer.lock'));
    expect([(mode & 0o777).toString(8), size, uid]).toEqual(['600', 0, 0]);
    const killedAt = performance.now();
    expect(await first.stop('SIGKILL')).toBeNull();
    await second.saying(/main\.go:58\]/);
    expect(performance.now() - killedAt).toBeLessThan(4_900);
  });

  it('does not hold the lock after it was stopped while waiting for it', async () => {
    const [first, second] = [start('pod-checkpointer-8jms9'), start('pod-checkpointer-8jms9-cp1')];
    const holder = await Promise.race(
      [first, second].map(async (each) => each.saying(/main\.go:58\]/).then(() => each)),
    );
    const waiter = holder === first ? second : first;
    await waiter.saying(/main\.go:53\]/);
    expect(await waiter.stop()).toBe(0);
    expect(await holder.stop()).toBe(0);
    await start('pod-checkpointer-8jms9').saying(/main\.go:58\]/);
  });

  it('10: waits ten seconds for an API server that never finishes a TLS handshake', async () => {
    await node.pass();
    await node.api.stop();
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    silent.listen(Number(new URL(node.api.server).port), '127.0.0.1');
    await once(silent, 'listening');
    const began = performance.now();
    await node.pass();
    // Never earlier; on a busy machine later.
    expect(performance.now() - began).toBeGreaterThan(9_900);
    expect(performance.now() - began).toBeLessThan(19_900);
    expect(node.lines.join('')).toMatch(
      /W apiserver\.go:19\] Unable to contact APIServer, skipping garbage collection: Get .*: net\/http: TLS handshake timeout/,
    );
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('exits with the name of a missing environment variable', async () => {
    const instance = new RunningProgram('pod-checkpointer/main.ts', [], { NODE_NAME: '' });
    instances.push(instance);
    expect(await instance.ended()).toBe(255);
    expect(instance.log).toContain('Missing required environment variable: NODE_NAME');
  });
});
