import { type Host, hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { readStaticPods, type StaticPod } from '@kube-rescue/node-config';
import type { Edit, StepJournal } from '@kube-rescue/workflow';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { listListeners } from '../running/tcp-listeners.ts';
import { handOver, waitForClosedApi } from './handover.ts';
import { OldPod } from './old-pods.ts';
import { createPodEndKind, type PodEnd } from './pod-end-kind.ts';

const DIRECTORY = hostPath('/etc/kubernetes/manifests');
const RESTART: Edit = { change: { kind: 'service.restart', target: 'kubelet' } };
const uidOf = (name: string): string => createHash('md5').update(name).digest('hex');

/** The life of an old pod, in milliseconds since the manifests changed. */
interface Life {
  readonly pid: number;
  /** Default: it listens on no port at all. */
  readonly closesAt?: number;
  /** Default: never, unless it is killed. */
  readonly endsAt?: number;
  readonly startTicks?: number;
  /** Since when another process has its pid. */
  readonly reusedAt?: number;
}

/** A node whose old pods live as told, and the log of what was done to it. */
async function createNode(
  lives: Readonly<Record<string, Life>>,
  options: { readonly procNet?: boolean; readonly isUnhealthy?: boolean; readonly sandbox?: string } = {},
) {
  const clock = createFixedClock('2026-11-29T12:00:00Z');
  const start = clock.now().getTime();
  const since = (): number => clock.now().getTime() - start;
  const killed = new Set<number>();
  const events: string[] = [];
  const identity = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
  const manifests = staticPodManifests(identity);
  const fake = createFakeHost({
    request: () => (options.isUnhealthy === true ? undefined : { status: 200, body: 'ok' }),
    tree: treeOf(
      Object.fromEntries(
        Object.keys(lives).map((name) => [`${DIRECTORY}/${name}.yaml`, manifests[`${name}.yaml`] ?? '']),
      ),
    ),
    processes: () =>
      Object.entries(lives).flatMap(([name, life]): ProcessInfo[] => {
        const cgroupOf = (id: string) => `0::/kubepods/burstable/pod${uidOf(name)}/${uidOf(id)}${uidOf(id)}\n`;
        const cgroup = cgroupOf('main');
        const argv = [options.sandbox ?? '/pause', '100000'];
        const sandbox = { pid: life.pid + 1000, argv, startTicks: 1, cgroup: cgroupOf('sandbox') };
        const isReused = since() >= (life.reusedAt ?? Number.POSITIVE_INFINITY);
        if (isReused) return [sandbox, { pid: life.pid, argv: ['sshd'], startTicks: 999_999, cgroup: '0::/\n' }];
        const isGone = killed.has(life.pid) || since() >= (life.endsAt ?? Number.POSITIVE_INFINITY);
        return isGone ? [sandbox] : [sandbox, { pid: life.pid, argv: [name], startTicks: life.pid, cgroup }];
      }),
    exec: (argv) => {
      events.push(`${since()} ${argv.join(' ')}`);
      if (argv[1] === '-KILL') for (const pid of argv.slice(2)) killed.add(Number(pid));
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const isOpen = ({ pid, closesAt }: Life): boolean => closesAt !== undefined && since() < closesAt && !killed.has(pid);
  const host: Host = {
    ...fake,
    readFile: async (path) => {
      if (path !== '/proc/net/tcp' || options.procNet === false) return fake.readFile(path);
      const lines = Object.values(lives)
        .filter(isOpen)
        .map(({ pid }) => ` 0: 00000000:192B 00000000:0000 0A 0:0 0:0 0 0 0 ${pid} 1`);
      return Buffer.from(['header', ...lines, ''].join('\n'));
    },
    list: async (path) => {
      if (path === '/var/log/pods') return Object.keys(lives).map((name) => `kube-system_${name}-cp1_${uidOf(name)}`);
      const pid = Number(/^\/proc\/(\d+)\/fd$/.exec(path)?.[1]);
      const life = Object.values(lives).find((each) => each.pid === pid);
      return life === undefined ? fake.list(path) : ['3', ...(isOpen(life) ? ['7'] : [])];
    },
    readLink: async (path) => {
      const [, pid, name] = /^\/proc\/(\d+)\/fd\/(\d)$/.exec(path) ?? [];
      return name === '7' ? `socket:[${pid}]` : name === '3' ? '/dev/null' : fake.readLink(path);
    },
  };
  const { pods } = await readStaticPods({ directory: DIRECTORY }, { host });
  const kind = createPodEndKind({ host });
  const journal: StepJournal = {
    perform: async (edits) => {
      for (const { change } of edits) {
        events.push(`${since()} ${change.kind} ${change.target}`);
        if (change.kind === 'static-pod.end') await kind.apply(change as PodEnd, undefined);
      }
    },
    waitingFor: () => undefined,
  };
  const read = async (list: readonly StaticPod[] = pods): Promise<readonly OldPod[]> => {
    const listeners = await listListeners({ host });
    return Promise.all(list.map((pod) => OldPod.read(pod, listeners, { host })));
  };
  const run = async (isForced = false): Promise<readonly string[]> => {
    await handOver({ old: await read(), services: [RESTART], isForced }, journal, { host, clock });
    return events;
  };
  return { host, clock, events, killed, run, read, kind };
}

describe('the kubelet is restarted for changed static pods', () => {
  it('once the API server listens no more, which is killed 2 s later', async () => {
    const { run } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 200 } });
    expect(await run()).toEqual([
      '200 service.restart kubelet',
      '2200 static-pod.end kube-apiserver',
      '2200 kill -KILL 7',
    ]);
  });

  it('also where the program of sandboxes is not pause', async () => {
    const { run } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 200 } }, { sandbox: '/bin/sleep' });
    expect(await run()).toContain('2200 kill -KILL 7');
  });

  it('never kills while the API server still listens, and then leaves the pods to the kubelet', async () => {
    const { run, clock } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 90_000 } });
    expect(await run()).toEqual([]);
    expect(clock.now().toISOString()).toBe('2026-11-29T12:01:00.000Z');
  });

  it('never kills etcd, whose end it waits for', async () => {
    const { run } = await createNode({ etcd: { pid: 5, closesAt: 100, endsAt: 7_000 } });
    expect(await run()).toEqual(['7000 service.restart kubelet']);
  });

  it('after the end of etcd, which no longer waits for the watches of the killed API server', async () => {
    const { run } = await createNode({
      etcd: { pid: 5, closesAt: 100, endsAt: 2_400 },
      'kube-apiserver': { pid: 7, closesAt: 200 },
    });
    expect(await run()).toEqual([
      '2200 static-pod.end kube-apiserver',
      '2200 kill -KILL 7',
      '2400 service.restart kubelet',
    ]);
  });

  it('once for several pods that end by themselves', async () => {
    const { run } = await createNode({
      'kube-controller-manager': { pid: 8, closesAt: 300, endsAt: 300 },
      'kube-scheduler': { pid: 9, closesAt: 500, endsAt: 600 },
    });
    expect(await run()).toEqual(['500 service.restart kubelet']);
  });

  it('not for a process that never listened, before it has ended', async () => {
    const { run } = await createNode({ 'kube-apiserver': { pid: 7, endsAt: 9_000 } });
    expect(await run()).toEqual(['9000 service.restart kubelet']);
  });

  it('not where /proc does not show which sockets listen', async () => {
    const { run } = await createNode(
      { 'kube-apiserver': { pid: 7, closesAt: 200, endsAt: 15_000 } },
      { procNet: false },
    );
    expect(await run()).toEqual(['15000 service.restart kubelet']);
  });
});

describe('a kubelet that must restart in any case', () => {
  it('is restarted at once; the old API server gets SIGTERM, and SIGKILL 2 s after its port is closed', async () => {
    const { run } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 200 } });
    expect(await run(true)).toEqual([
      '0 kill -TERM 7',
      '0 service.restart kubelet',
      '2200 static-pod.end kube-apiserver',
      '2200 kill -KILL 7',
    ]);
  });

  it('kills an API server that listens on, but did not serve before', async () => {
    const { run } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 90_000 } }, { isUnhealthy: true });
    expect(await run(true)).toEqual([
      '0 kill -TERM 7',
      '0 service.restart kubelet',
      '3000 static-pod.end kube-apiserver',
      '3000 kill -KILL 7',
    ]);
    const serving = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 90_000 } });
    expect(await serving.run(true)).toEqual(['0 kill -TERM 7', '0 service.restart kubelet']);
  });

  it('is restarted after the end of etcd, or after 20 s', async () => {
    const soon = await createNode({ etcd: { pid: 5, closesAt: 100, endsAt: 1_000 } });
    expect(await soon.run(true)).toEqual(['0 kill -TERM 5', '1000 service.restart kubelet']);
    const never = await createNode({ etcd: { pid: 5, closesAt: 100 } });
    expect(await never.run(true)).toEqual(['0 kill -TERM 5', '20000 service.restart kubelet']);
  });
});

describe('an API server that ends together with etcd', () => {
  it.each([
    ['is waited for until it listens no more, because it asks etcd first', { closesAt: 300 }, false, 300, []],
    ['gets SIGTERM where the kubelet does not end it', { closesAt: 300 }, true, 300, ['0 kill -TERM 7']],
    ['is waited for at most 10 s', { closesAt: 90_000 }, false, 10_000, []],
  ] as const)('%s', async (_, life, isForced, atMs, events) => {
    const node = await createNode({ 'kube-apiserver': { pid: 7, ...life } });
    const [apiServer] = await node.read();
    if (apiServer === undefined) throw new Error('no pod');
    await waitForClosedApi({ apiServer, isForced }, { waitingFor: () => undefined }, node);
    expect(node.clock.now().getTime() - Date.parse('2026-11-29T12:00:00Z')).toBe(atMs);
    expect(node.events).toEqual(events);
  });
});

describe('the end of an old pod', () => {
  it('is refused when the process listens again, or another has its pid', async () => {
    const listens = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 5_000 } });
    const [old] = await listens.read();
    if (old === undefined) throw new Error('no pod');
    await listens.kind.apply(old.end(), undefined);
    expect(listens.events).toEqual([]);
    const reused = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 0, reusedAt: 1_000 } });
    const [gone] = await reused.read();
    if (gone === undefined) throw new Error('no pod');
    const change = gone.end();
    expect(change.processes).toEqual([{ pid: 7, startTicks: 7, podUid: uidOf('kube-apiserver') }]);
    await reused.clock.sleep(1_000);
    await reused.kind.apply(change, undefined);
    expect(reused.events).toEqual([]);
  });

  it('has no undo, and names what it kills', async () => {
    const { kind, read } = await createNode({ 'kube-apiserver': { pid: 7, closesAt: 0 } });
    const [old] = await read();
    if (old === undefined) throw new Error('no pod');
    expect(kind.describe(old.end())).toBe('kill the old kube-apiserver, which listens no more (process 7)');
    expect(await kind.undo(old.end(), {}, { keep: async () => '', read: async () => new Uint8Array() })).toEqual({
      state: 'already',
    });
  });
});
