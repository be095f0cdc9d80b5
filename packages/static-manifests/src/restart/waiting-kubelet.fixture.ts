import { type Host, hostPath, joinPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, type FixedClock, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { createHash } from 'node:crypto';
import { createSimulatedKubelet } from './simulated-kubelet.fixture.ts';
import { createSimulatedPods, type Flaw } from './simulated-pods.fixture.ts';

export const MANIFESTS = hostPath('/etc/kubernetes/manifests');
const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-scheduler'] as const;
const PORTS: Readonly<Record<string, string>> = { 2381: 'etcd', 6443: 'kube-apiserver', 10259: 'kube-scheduler' };
const LOGS = hostPath('/var/log/pods');
/** Milliseconds. */
const TICK = 50;
const READ = 10;
const UPTIME = 3_600_000;
const SETTLES_WITHIN = 300_000;

/**
 * A node whose kubelet runs a healthy control plane; each look at its processes takes 10 ms.
 *
 * @param options `coalesces`: the kubelet learns of writes that follow each other closely only once, after the last; `flaw`: of every pod
 * of a changed manifest
 */
export function createServingNode(options: {
  readonly version: string;
  readonly clock: FixedClock;
  readonly coalesces?: boolean;
  readonly flaw?: Flaw;
}) {
  const { version, clock, coalesces = false, flaw } = options;
  const identity = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
  const sources = staticPodManifests(identity);
  const now = (): number => clock.now().getTime();
  const bootedAt = now() - UPTIME;
  const ticksOf = (moment: number): number => (moment - bootedAt) / 10;
  const files = new Map<string, { readonly uid: string; readonly modifiedAt: number }>();
  const uidOf = (data: Uint8Array | string): string => createHash('md5').update(data).digest('hex');
  const readUids = () => new Map([...files].map(([name, { uid }]) => [name, uid]));
  for (const name of COMPONENTS) {
    files.set(name, { uid: uidOf(sources[`${name}.yaml`] ?? ''), modifiedAt: now() - UPTIME });
  }
  const first = new Set(readUids().values());
  const pods = createSimulatedPods((uid) => (first.has(uid) ? undefined : flaw));
  const kubelet = createSimulatedKubelet(pods, {
    startsBeside: /^1\.(?:[0-9]|1\d|2[01])\.|^1\.22\.[0-4]$/.test(version),
  });
  // A minute is enough to start everything.
  let at = now() - 60_000;
  const advance = (): void => {
    for (; at < now(); at += TICK) {
      kubelet.read(readUids(), at);
      kubelet.tick(at);
      pods.tick(at);
    }
  };
  advance();
  const byPid = (pid: string) => pods.running(now()).filter((each) => String(each.pid) === pid);
  const isServing = (name: string | undefined): boolean =>
    pods.running(now()).some((each) => each.name === name && pods.isUsable(each, now()));
  let writes = 0;
  const fake = createFakeHost({
    tree: treeOf({
      ...Object.fromEntries(COMPONENTS.map((name) => [`${MANIFESTS}/${name}.yaml`, sources[`${name}.yaml`] ?? ''])),
      '/usr/bin/kubelet': 'ELF',
    }),
    services: { kubelet: 'running' },
    request: ({ url }) => (isServing(PORTS[new URL(url).port]) ? { status: 200, body: 'ok' } : undefined),
    exec: ([program, signal, ...pids]) => {
      if (program !== 'kill') return { exitCode: 0, stdout: `Kubernetes v${version}\n`, stderr: '' };
      advance();
      for (const each of pids.flatMap(byPid)) {
        if (signal === '-KILL') pods.kill(each, 'kube-rescue', now());
        else pods.ask(each, now());
      }
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const look = (): void => {
    clock.advance(READ);
    advance();
  };
  const host: Host = {
    ...fake,
    services: {
      status: (name) => fake.services.status(name),
      act: async (action, name) => {
        look();
        await fake.services.act(action, name);
        kubelet.act(action, now());
      },
    },
    writeFile: async (path, data, write) => {
      look();
      await fake.writeFile(path, data, write);
      const name = COMPONENTS.find((each) => path === joinPath(MANIFESTS, `${each}.yaml`));
      if (name === undefined) return;
      writes += 1;
      files.set(name, { uid: uidOf(data), modifiedAt: now() });
      if (!coalesces) kubelet.read(readUids(), now());
    },
    stat: async (path) => {
      const name = COMPONENTS.find((each) => path === joinPath(MANIFESTS, `${each}.yaml`));
      const uid = path.startsWith(LOGS) ? path.slice(path.lastIndexOf('_') + 1) : undefined;
      const oldest = pods.containers.find((each) => each.uid === uid);
      const directory = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0 } as const;
      if (oldest !== undefined) return { ...directory, modifiedAt: new Date(oldest.startedAt) };
      const stat = await fake.stat(path);
      return stat && { ...stat, modifiedAt: new Date(files.get(name ?? '')?.modifiedAt ?? 0) };
    },
    processes: async () => {
      look();
      const program: ProcessInfo = { pid: 50, argv: ['/usr/bin/kubelet'], startTicks: 10, cgroup: '0::/\n' };
      const running = pods.running(now()).map(({ pid, name, uid, startedAt }) => ({
        ...{ pid, argv: [name], startTicks: ticksOf(startedAt) },
        cgroup: `0::/kubepods/burstable/pod${uid}/${uidOf(String(pid))}${uidOf(uid)}\n`,
      }));
      return kubelet.isStopped ? running : [program, ...running];
    },
    readFile: async (path) => {
      if (path === '/proc/uptime') return Buffer.from(`${(now() - bootedAt) / 1000} 0\n`);
      if (path !== '/proc/net/tcp') return fake.readFile(path);
      look();
      const listening = pods.running(now()).filter((each) => pods.isServing(each, now()));
      const lines = listening.map(({ pid }) => ` 0: 00000000:192B 00000000:0000 0A 0:0 0:0 0 0 0 ${pid} 1`);
      return Buffer.from(['header', ...lines, ''].join('\n'));
    },
    list: async (path) => {
      if (path === LOGS) {
        look();
        return [...new Set(pods.containers.map(({ name, uid }) => `kube-system_${name}-cp1_${uid}`))];
      }
      const pid = /^\/proc\/(\d+)\/fd$/.exec(path)?.[1];
      if (pid === undefined) return fake.list(path);
      return byPid(pid).some((each) => pods.isServing(each, now())) ? ['3', '7'] : ['3'];
    },
    readLink: async (path) => {
      if (path === '/proc/50/exe') return '/usr/bin/kubelet';
      const [, owner, name] = /^\/proc\/(\d+)\/fd\/(\d)$/.exec(path) ?? [];
      return name === '7' ? `socket:[${owner}]` : name === '3' ? '/dev/null' : fake.readLink(path);
    },
  };
  /** What the kubelet makes of the manifests in the end: each pod, and whether it is the one of its manifest and serves. */
  const settle = async () => {
    const isSettled = (): boolean =>
      COMPONENTS.every((name) => {
        const [only, ...others] = pods.running(now()).filter((each) => each.name === name);
        return only !== undefined && others.length === 0 && only.uid === files.get(name)?.uid && !only.isAsked;
      }) && COMPONENTS.every(isServing);
    const start = now();
    while (!isSettled() && now() - start < SETTLES_WITHIN) {
      clock.advance(1_000);
      advance();
    }
    const running = pods.running(now()).map((each) => {
      const isOwn = each.uid === files.get(each.name)?.uid;
      return `${each.name}: ${isOwn ? 'of its manifest' : 'old'}, ${pods.isServing(each, now()) ? 'serves' : 'does not serve'}`;
    });
    return { running: running.toSorted(), violations: pods.violations, kubelet: await fake.services.status('kubelet') };
  };
  return { host, settle, countWrites: () => writes };
}
