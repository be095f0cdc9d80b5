import { type EtcdMember, type EtcdOptions, type RunningEtcd, startEtcd } from '../servers/etcd-server.ts';
import type { NodeTree } from './node-tree.ts';
import { buildPki, type Pki, type PkiOptions } from '../pki/pki.ts';

/** The files of a control-plane node, and a real etcd on the port and with the certificates in these files. */
export interface NodeEtcd {
  readonly etcd: RunningEtcd;
  readonly pki: Pki;
  /** The node's files; its manifests name the first member's ports. */
  readonly tree: NodeTree;
  readonly member: EtcdMember;
}

/** Starts an etcd on 127.0.0.1 with the certificates of a kubeadm node. The node itself does not run. */
export async function startNodeEtcd(
  options: PkiOptions & Pick<EtcdOptions, 'members' | 'arguments'> = {},
): Promise<NodeEtcd> {
  const pki = await buildPki({ algorithm: 'ecdsa', address: '127.0.0.1', ...options });
  const { 'etcd/ca': ca, 'etcd/server': server, 'apiserver-etcd-client': client } = pki.pairs;
  const etcd = await startEtcd({ pki: { ca, server, client }, members: options.members, arguments: options.arguments });
  const [member] = etcd.members;
  const tree = new Map(
    [...pki.tree].map(([path, entry]) => {
      if (entry.kind !== 'file' || !path.startsWith('/etc/kubernetes/manifests/')) return [path, entry] as const;
      const text = Buffer.from(entry.bytes)
        .toString()
        .replaceAll(':2379', `:${member.port}`)
        .replaceAll(':2380', `:${new URL(member.peerUrl).port}`);
      return [path, { ...entry, bytes: Buffer.from(text) }] as const;
    }),
  );
  return { etcd, pki, tree, member };
}
