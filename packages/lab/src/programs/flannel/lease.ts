import { contains } from './subnet-env.ts';

const ANNOTATIONS = 'flannel.alpha.coreos.com';
/** Bytes that a backend's tunnel adds to each packet. */
const OVERHEAD: Readonly<Record<string, number>> = { vxlan: 50, 'host-gw': 0 };

/** flannel's net-conf.json. */
export interface NetConf {
  readonly Network: string;
  readonly Backend: { readonly Type: string; readonly Port?: number };
}

/** The fields of a Node that flannel reads. */
export interface FlannelNode {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly podCIDR?: string };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** The network interface that carries the pods' packets. */
export interface Link {
  readonly name: string;
  readonly address: string;
  readonly mac: string;
  readonly mtu: number;
}

/**
 * The podCIDR of `node`.
 *
 * @throws Error with flannel's message when it is missing or outside the network
 */
export function subnetOf({ metadata, spec }: FlannelNode, { Network: network }: NetConf): string {
  const { podCIDR = '' } = spec;
  if (podCIDR === '') throw new Error(`failed to acquire lease: node "${metadata.name}" pod cidr not assigned`);
  if (contains(network, podCIDR)) return podCIDR;
  const where = `subnet "${network}" specified in the flannel net config doesn't contain "${podCIDR}"`;
  throw new Error(`failed to acquire lease: ${where} PodCIDR of the "${metadata.name}" node`);
}

/** The link's MTU minus the overhead of the backend. */
export function podMtu(link: Link, { Backend: backend }: NetConf): number {
  const overhead = OVERHEAD[backend.Type];
  if (overhead === undefined) throw new Error(`unknown backend type "${backend.Type}"`);
  return link.mtu - overhead;
}

/** The annotations that flannel writes on its Node. */
export function leaseAnnotations(link: Link, { Backend: backend }: NetConf): Readonly<Record<string, string>> {
  return {
    [`${ANNOTATIONS}/backend-data`]: backend.Type === 'vxlan' ? JSON.stringify({ VtepMAC: link.mac }) : 'null',
    [`${ANNOTATIONS}/backend-type`]: backend.Type,
    [`${ANNOTATIONS}/kube-subnet-manager`]: 'true',
    [`${ANNOTATIONS}/public-ip`]: link.address,
  };
}

/** The routes to the pods of all other nodes: gateways by podCIDR. */
export function routesToOthers(nodes: readonly FlannelNode[], self: string): ReadonlyMap<string, string> {
  const routes = new Map<string, string>();
  for (const { metadata, spec, status } of nodes) {
    const gateway =
      metadata.annotations?.[`${ANNOTATIONS}/public-ip`] ??
      status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    const { podCIDR = '' } = spec;
    if (metadata.name !== self && podCIDR !== '' && gateway !== undefined) routes.set(podCIDR, gateway);
  }
  return routes;
}
