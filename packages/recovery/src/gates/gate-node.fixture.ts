import { type Host, hostPath, type HttpAnswer, type HttpProbe, type ProcessInfo } from '@kube-rescue/host';
import { type Node, type NodeOptions, openNode } from '@kube-rescue/node';
import { buildPki, createFakeHost, createFixedClock, type NodeTree, type Pki, treeOf } from '@kube-rescue/testing';
import { X509Certificate } from 'node:crypto';

/** A node whose API server, kubelet and controllers run since {@link STARTED}, as far as `/proc` and the logs of pods tell. */
export const NOW = new Date('2026-11-22T12:00:00Z');
const OPTIONS: NodeOptions = { kubernetesDirectory: hostPath('/etc/kubernetes'), kubeletService: 'kubelet' };
const UID = 'd743502647cf77a102b6cbccf0f334c0';
/** Up for 1000 s: tick 90,000 is 100 s ago. */
const STARTED_TICKS = 90_000;
export const BEFORE_START = '2026-11-22T11:57:00.000000Z';
export const FRESH = '2026-11-22T11:59:55.000000Z';
const PODS = ['kube-apiserver', 'kube-scheduler', 'kube-controller-manager'];

export const pki: Pki = await buildPki({ now: NOW, algorithm: 'ecdsa' });

/** What the node's servers answer. */
export interface Api {
  /** By path; others answer 404. */
  readonly objects?: Readonly<Record<string, unknown>>;
  readonly readyz?: number;
  readonly trusted?: boolean;
  readonly serialNumber?: string;
  readonly fingerprint?: string;
  /** The status of `/healthz` on the ports of controllers. Default: refused. */
  readonly healthz?: number;
  /** The status of `/api`. Default: 200. */
  readonly discovery?: number;
}

function answer(api: Api, { url, client }: HttpProbe): HttpAnswer | undefined {
  const serving = new X509Certificate(pki.pairs.apiserver.certificate);
  const peer = {
    serialNumber: api.serialNumber ?? serving.serialNumber,
    fingerprint256: api.fingerprint ?? (api.serialNumber === undefined ? serving.fingerprint256 : ''),
    validTo: NOW,
    trusted: api.trusted ?? true,
    reason: api.trusted === false ? 'CERT_HAS_EXPIRED' : undefined,
  };
  const { pathname, port } = new URL(url);
  if (['10257', '10259'].includes(port)) {
    return api.healthz === undefined ? undefined : { status: api.healthz, body: 'ok', peer };
  }
  if (pathname === '/readyz') return { status: api.readyz ?? 200, body: 'ok', peer };
  if (client === undefined) return { status: 403, body: '{"message":"forbidden"}', peer };
  if (pathname === '/api') return { status: api.discovery ?? 200, body: '{}', peer };
  const object = api.objects?.[pathname];
  return { status: object === undefined ? 404 : 200, body: JSON.stringify(object ?? { message: 'not found' }), peer };
}

export function nodeOf(api: Api | undefined, running = true, tree: NodeTree = pki.tree): Node {
  const processes: ProcessInfo[] = [
    { pid: 9, argv: ['/usr/bin/kubelet'], startTicks: STARTED_TICKS, cgroup: '0::/\n' },
    ...PODS.map((name, index) => ({
      pid: 10 + index,
      argv: [name],
      startTicks: STARTED_TICKS,
      cgroup: `0::/kubepods/burstable/pod${UID}/${String(index).repeat(64)}\n`,
    })),
  ];
  const fake = createFakeHost({
    tree: new Map([...treeOf({ '/proc/uptime': '1000.00 1.00\n', '/proc/sys/kernel/hostname': 'node01\n' }), ...tree]),
    processes: () => (running ? processes : []),
    request: (probe) => (api === undefined ? undefined : answer(api, probe)),
  });
  const host: Host = {
    ...fake,
    list: async (path) =>
      path === '/var/log/pods' ? PODS.map((name) => `kube-system_${name}-node01_${UID}`) : fake.list(path),
  };
  return openNode(OPTIONS, { host, clock: createFixedClock(NOW) });
}
