import { createLocalHost, type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { createFakeHost } from '../host/fake-host.ts';
import type { EtcdPki } from '../pki/etcd-certificates.ts';
import { buildPki } from '../pki/pki.ts';
import type { RunningEtcd } from '../servers/etcd-server.ts';
import { treeOf } from './node-tree.ts';

const DATA = '/var/lib/etcd';
const MANIFEST = hostPath('/etc/kubernetes/manifests/etcd.yaml');

/**
 * A kubeadm node in memory whose manifest of etcd names the first member of a real cluster, with the files of `pki`; its sockets
 * are this machine's.
 * @param dataDir of that member, for `/var/lib/etcd` of the node. Default: the node has none
 */
export async function hostOfEtcdMember(
  etcd: Pick<RunningEtcd, 'endpoints'>,
  pki: EtcdPki,
  peerUrl: string,
  dataDir?: string,
): Promise<Host> {
  const { tree } = await buildPki();
  const entry = tree.get(MANIFEST);
  if (entry?.kind !== 'file') throw new Error('the node has no manifest of etcd');
  const manifest = Buffer.from(entry.bytes)
    .toString()
    .replace(/--listen-client-urls=.*/, `--listen-client-urls=${etcd.endpoints[0] ?? ''}`)
    .replace(/--advertise-client-urls=.*/, `--advertise-client-urls=${etcd.endpoints[0] ?? ''}`)
    .replace(/--listen-peer-urls=.*/, `--listen-peer-urls=${peerUrl}`);
  const files = treeOf({
    [MANIFEST]: manifest,
    '/etc/kubernetes/pki/etcd/ca.crt': pki.ca.certificate,
    '/etc/kubernetes/pki/etcd/ca.key': pki.ca.key,
    '/etc/kubernetes/pki/apiserver-etcd-client.crt': pki.client.certificate,
    '/etc/kubernetes/pki/apiserver-etcd-client.key': pki.client.key,
  });
  const local = createLocalHost();
  const { connect, request } = local;
  const host = { ...createFakeHost({ tree: new Map([...tree, ...files]) }), connect, request };
  if (dataDir === undefined) return host;
  const mapped = (path: HostPath): HostPath | undefined =>
    path.startsWith(DATA) ? hostPath(path.replace(DATA, dataDir)) : undefined;
  return {
    ...host,
    stat: async (path) => {
      const real = mapped(path);
      return real === undefined ? host.stat(path) : local.stat(real);
    },
    readRange: async (path, range) => {
      const real = mapped(path);
      return real === undefined ? host.readRange(path, range) : local.readRange(real, range);
    },
  };
}
