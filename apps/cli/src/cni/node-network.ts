import type { NetworkDeps, NetworkInput } from '@kube-rescue/cni-bootstrap';
import type { ObjectsVia } from '@kube-rescue/node';
import { Flags } from '@oclif/core';
import { type EtcdFlags, etcdFlags, toSearch, VIA } from '../etcd/etcd-flags.ts';
import { type Session } from '../wiring.ts';

/** Node, pod CIDRs, and source of the objects. */
export const networkFlags = {
  node: Flags.string({
    description: "name of this machine's Node; default: from the kubelet's certificate, flags or the host name",
    helpValue: 'NAME',
  }),
  'pod-cidr': Flags.string({
    description: "use this pod CIDR instead of the Node's (repeatable, once for each address family)",
    helpValue: 'CIDR',
    multiple: true,
    multipleNonGreedy: true,
  }),
  via: Flags.option({
    options: VIA,
    description: 'read objects from etcd, or through the API server',
    default: 'etcd' as const,
  })(),
  ...etcdFlags,
};

interface NetworkFlags extends EtcdFlags {
  readonly node: string | undefined;
  readonly 'pod-cidr': readonly string[] | undefined;
  readonly via: ObjectsVia;
}

/** Input and dependencies of the network inspection; the session closes the connection to the objects. */
export async function openNetwork(
  flags: NetworkFlags,
  session: Session,
): Promise<{ readonly input: NetworkInput; readonly deps: NetworkDeps & { readonly host: Session['host'] } }> {
  const { findNetworkOfNode } = await import('@kube-rescue/node');
  const found = await findNetworkOfNode(session.node);
  const objects = session.node.objects.access({ via: flags.via, search: toSearch(flags, session) });
  const { node: nodeName = found.nodeName, 'pod-cidr': podCidrs } = flags;
  return { input: { ...found, nodeName, podCidrs }, deps: { host: session.host, objects } };
}

export const cniBootstrap = (): Promise<typeof import('@kube-rescue/cni-bootstrap')> =>
  import('@kube-rescue/cni-bootstrap');
