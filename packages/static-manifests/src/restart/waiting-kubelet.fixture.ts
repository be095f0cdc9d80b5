import { type Host, hostPath, joinPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, type FixedClock, staticPodManifests, treeOf } from '@kube-rescue/testing';
import { createHash } from 'node:crypto';

export const MANIFESTS = hostPath('/etc/kubernetes/manifests');
const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-scheduler'] as const;
const KUBELET: ProcessInfo = { pid: 50, argv: ['/usr/bin/kubelet'], startTicks: 10, cgroup: '0::/\n' };

/** Milliseconds, as observed on Kubernetes 1.37.2. */
const CLOSES_AFTER = 200;
/** Without etcd, an API server does not close its port sooner. */
const CLOSES_WITHOUT_ETCD = 20_000;
/** etcd waits that long for the watches of an API server. */
const ETCD_WAITS = 7_000;
const GRACE = 30_000;
const BACK_OFF = 12_000;
const KUBELET_START = 1_500;

interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly pid: number;
  closesAt: number;
  endsAt: number;
}

/**
 * A node whose kubelet of this version runs a healthy control plane: since 1.22.5 it starts a changed pod only after the end of the old
 * one and a back-off, which its restart ends. An API server whose manifest has changed closes its port at once, unless etcd ends too, and
 * runs on for 30 s; etcd ends after it, or after 7 s; a scheduler ends at once.
 */
export function createServingNode({ version, clock }: { readonly version: string; readonly clock: FixedClock }) {
  const identity = { nodeName: 'cp1', address: '10.9.0.11', certificatesDir: hostPath('/etc/kubernetes/pki') };
  const sources = staticPodManifests(identity);
  const now = (): number => clock.now().getTime();
  const pods: Pod[] = [];
  const desired = new Map<string, { uid: string; since: number; startsAt: number }>();
  const uids = new Set<string>();
  let pid = 100;
  let restartedAt = 0;
  const fake = createFakeHost({
    tree: treeOf({
      ...Object.fromEntries(COMPONENTS.map((name) => [`${MANIFESTS}/${name}.yaml`, sources[`${name}.yaml`] ?? ''])),
      '/usr/bin/kubelet': 'ELF',
    }),
    services: { kubelet: 'running' },
    request: () => ({ status: 200, body: 'ok' }),
    exec: ([program, signal, ...pids]) => {
      if (program !== 'kill') return { exitCode: 0, stdout: `Kubernetes v${version}\n`, stderr: '' };
      for (const pod of pods) if (signal === '-KILL' && pids.includes(String(pod.pid))) pod.endsAt = now();
      return { exitCode: 0, stdout: '', stderr: '' };
    },
  });
  const alive = (name: string): readonly Pod[] => pods.filter((pod) => pod.name === name && pod.endsAt > now());
  const start = (name: string, uid: string): void => {
    pid += 1;
    // The kubelet creates the log directory when it starts the pod.
    uids.add(`kube-system_${name}-cp1_${uid}`);
    pods.push({ name, uid, pid, closesAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY });
  };
  const advance = async (): Promise<void> => {
    for (const name of COMPONENTS) {
      const bytes = (await fake.readFile(joinPath(MANIFESTS, `${name}.yaml`))) ?? new Uint8Array();
      const uid = createHash('md5').update(bytes).digest('hex');
      const known = desired.get(name);
      if (known === undefined) start(name, uid);
      if (known?.uid !== uid) desired.set(name, { uid, since: now(), startsAt: Number.POSITIVE_INFINITY });
      const wanted = desired.get(name) ?? { uid, since: 0, startsAt: 0 };
      for (const old of alive(name).filter((pod) => pod.uid !== uid && pod.closesAt > now() + GRACE)) {
        const hasEtcd = alive('etcd').some((pod) => pod.closesAt > now() + GRACE);
        const isApiServer = name === 'kube-apiserver';
        old.closesAt = wanted.since + (isApiServer && !hasEtcd ? CLOSES_WITHOUT_ETCD : CLOSES_AFTER);
        old.endsAt = wanted.since + (isApiServer ? GRACE : name === 'etcd' ? ETCD_WAITS : CLOSES_AFTER);
      }
      for (const old of alive(name).filter((pod) => name === 'etcd' && pod.endsAt !== Number.POSITIVE_INFINITY)) {
        const server = alive('kube-apiserver').find((pod) => pod.closesAt <= now());
        if (server === undefined) old.endsAt = Math.min(old.endsAt, now() + CLOSES_AFTER);
      }
      if (alive(name).some((pod) => pod.uid === uid)) continue;
      const lastEnd = Math.max(...pods.filter((pod) => pod.name === name).map(({ endsAt }) => endsAt));
      const isRestarted = restartedAt > wanted.since;
      const startsAt = isRestarted ? restartedAt + KUBELET_START : lastEnd + BACK_OFF;
      if (now() >= startsAt) start(name, uid);
    }
  };
  const listening = (): readonly Pod[] => pods.filter((pod) => pod.endsAt > now() && pod.closesAt > now());
  const host: Host = {
    ...fake,
    services: {
      status: (name) => fake.services.status(name),
      act: async (action, name) => {
        await fake.services.act(action, name);
        restartedAt = now();
      },
    },
    processes: async () => {
      await advance();
      const running = pods.filter((pod) => pod.endsAt > now());
      return [
        KUBELET,
        ...running.map(({ pid: each, name, uid }) => ({
          ...{ pid: each, argv: [name], startTicks: each },
          cgroup: `0::/kubepods/burstable/pod${uid}/${uid}${uid}\n`,
        })),
      ];
    },
    readFile: async (path) => {
      if (path !== '/proc/net/tcp') return fake.readFile(path);
      const lines = listening().map((pod) => ` 0: 00000000:192B 00000000:0000 0A 0:0 0:0 0 0 0 ${pod.pid} 1`);
      return Buffer.from(['header', ...lines, ''].join('\n'));
    },
    list: async (path) => {
      if (path === '/var/log/pods') {
        await advance();
        return [...uids];
      }
      return /^\/proc\/\d+\/fd$/.test(path) ? ['7'] : fake.list(path);
    },
    readLink: async (path) => {
      if (path === '/proc/50/exe') return '/usr/bin/kubelet';
      const owner = /^\/proc\/(\d+)\/fd\/7$/.exec(path)?.[1];
      return owner === undefined ? fake.readLink(path) : `socket:[${owner}]`;
    },
  };
  return { host, pods };
}
