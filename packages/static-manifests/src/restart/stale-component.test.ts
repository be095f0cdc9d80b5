import { type FileStat, type Host, type HostPath, hostPath, type ProcessInfo } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, treeOf } from '@kube-rescue/testing';
import { readKubeletConfiguration, readStaticPod } from '@kube-rescue/node-config';
import { describe, expect, it } from 'vitest';
import { findKubeletStaleness, findKubeletStart, findPodStaleness, findPodStart } from './stale-component.ts';

const MANIFEST = hostPath('/etc/kubernetes/manifests/etcd.yaml');
const CERTIFICATE = hostPath('/etc/kubernetes/pki/etcd/server.crt');
const CURRENT = hostPath('/var/lib/kubelet/pki/kubelet-client-current.pem');
/** Up for 1000 s at noon: a process of tick 50,000 started 500 s after the boot, at 11:51:40. */
const clock = createFixedClock('2026-11-22T12:00:00Z');
const UPTIME = '1000.00 2000.00\n';
const STARTED_AT = new Date('2026-11-22T11:51:40Z');
const uid = 'd743502647cf77a102b6cbccf0f334c0';

const etcd: ProcessInfo = {
  pid: 10,
  argv: ['etcd'],
  startTicks: 50_000,
  cgroup: `0::/kubepods/burstable/pod${uid}/${'a'.repeat(64)}\n`,
};
const kubelet: ProcessInfo = { pid: 11, argv: ['/usr/bin/kubelet'], startTicks: 50_000, cgroup: '0::/\n' };

const MANIFEST_SOURCE = `apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system, labels: {component: etcd}}
spec:
  hostNetwork: true
  containers:
  - name: etcd
    image: etcd
    command: [etcd, --cert-file=${CERTIFICATE}, --data-dir=/var/lib/etcd]
    volumeMounts: [{mountPath: /etc/kubernetes/pki/etcd, name: certs}]
  volumes: [{hostPath: {path: /etc/kubernetes/pki/etcd}, name: certs}]
`;

/** A node with these processes; some files changed at these times and all others long ago. */
function createNode(processes: readonly ProcessInfo[], changed: Readonly<Record<string, string>> = {}): Host {
  const tree = treeOf({ [MANIFEST]: MANIFEST_SOURCE, [CERTIFICATE]: '', [CURRENT]: '', '/proc/uptime': UPTIME });
  const fake = createFakeHost({ tree, processes: () => processes });
  return {
    ...fake,
    stat: async (path: HostPath): Promise<FileStat | undefined> => {
      const stat = await fake.stat(path);
      return stat && { ...stat, modifiedAt: new Date(changed[path] ?? '2026-01-01T00:00:00Z') };
    },
    list: async (path: HostPath) => (path === '/var/log/pods' ? [`kube-system_etcd-cp1_${uid}`] : fake.list(path)),
  };
}

async function podStaleness(host: Host): Promise<string | undefined> {
  const flags = {
    flags: new Map([
      ['cert-file', CERTIFICATE as string],
      ['data-dir', '/var/lib/etcd'],
    ]),
  };
  return findPodStaleness({ pod: await readStaticPod(MANIFEST, { host }), flags }, { host, clock });
}

async function kubeletStaleness(host: Host): Promise<string | undefined> {
  return findKubeletStaleness(await readKubeletConfiguration({ host }), { host, clock });
}

describe('a component needs a restart', () => {
  it('when it does not run', async () => {
    expect(await podStaleness(createNode([]))).toBe('etcd is not running');
    expect(await kubeletStaleness(createNode([]))).toBe('the kubelet is not running');
  });

  it('when a file of its flags changed after it started', async () => {
    const host = createNode([etcd], { [CERTIFICATE]: '2026-11-22T11:52:00Z' });
    expect(await podStaleness(host)).toBe(`etcd started before ${CERTIFICATE} changed`);
  });

  it('when its manifest changed after it started', async () => {
    expect(await podStaleness(createNode([etcd], { [MANIFEST]: '2026-11-22T11:52:00Z' }))).toContain(MANIFEST);
  });

  it("when the kubelet's client certificate was replaced after it started", async () => {
    expect(await kubeletStaleness(createNode([kubelet], { [CURRENT]: '2026-11-22T11:52:00Z' }))).toContain(CURRENT);
  });
});

describe('a component needs no restart', () => {
  it('when all its files are older than its process', async () => {
    const earlier = '2026-11-22T11:51:00Z';
    expect(await podStaleness(createNode([etcd], { [CERTIFICATE]: earlier, [MANIFEST]: earlier }))).toBeUndefined();
    expect(await kubeletStaleness(createNode([kubelet], { [CURRENT]: earlier }))).toBeUndefined();
  });
});

it('the start of a process is computed from the boot time and its ticks', async () => {
  const host = createNode([etcd, kubelet]);
  expect(await findPodStart(await readStaticPod(MANIFEST, { host }), { host, clock })).toEqual(STARTED_AT);
  expect(await findKubeletStart({ host, clock })).toEqual(STARTED_AT);
  expect(await findKubeletStart({ host: createNode([etcd]), clock })).toBeUndefined();
});
