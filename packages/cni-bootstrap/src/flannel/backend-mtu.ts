import { CniError } from '../errors.ts';
import type { FlannelBackend } from './net-conf.ts';

/**
 * Overhead of each backend in bytes.
 *
 * Source: flannel `pkg/backend`: `vxlan/vxlan_network.go` and `udp/udp_network_amd64.go` encapOverhead,
 * `wireguard/wireguard_network.go` overhead (80 for either family), `ipsec/ipsec_network.go` ipsecOverhead,
 * `ipip/ipip.go` expectMTU; `hostgw/hostgw.go`, `extension/extension_network.go` and `simple_network.go`, which the rest
 * uses, pass the link's MTU on.
 */
const OVERHEAD: Readonly<Record<string, number>> = {
  vxlan: 50,
  'host-gw': 0,
  udp: 28,
  wireguard: 80,
  ipsec: 77,
  ipip: 20,
  alloc: 0,
  extension: 0,
  'aws-vpc': 0,
  'ali-vpc': 0,
  'tencent-vpc': 0,
  gce: 0,
};

/** `ipsec_network.go` udpEncapOverhead: ESP within UDP. */
const UDP_ENCAPSULATION = 8;

/** Backends that use `Backend.MTU` instead of the link MTU: `vxlan.go` and `wireguard.go` RegisterNetwork. */
const HAS_OWN_MTU: readonly string[] = ['vxlan', 'wireguard'];

/** The MTU of a backend. */
export interface BackendMtu {
  readonly mtu: number;
  /** The calculation, for messages. */
  readonly calculation: string;
}

/**
 * The MTU that flannel writes into `subnet.env`.
 * @param linkMtu bytes, of flannel's external interface
 * @throws CniError `CNI_BACKEND_UNKNOWN` `CNI_MTU_TOO_SMALL`
 */
export function deriveMtu(backend: FlannelBackend, linkMtu: number): BackendMtu {
  const own = Object.hasOwn(OVERHEAD, backend.type) ? OVERHEAD[backend.type] : undefined;
  if (own === undefined) {
    throw new CniError({
      code: 'CNI_BACKEND_UNKNOWN',
      message: `unknown flannel backend ${JSON.stringify(backend.type)}, so its MTU overhead is unknown`,
      subject: 'Backend.Type of net-conf.json',
      hint: `correct net-conf.json; known backends: ${Object.keys(OVERHEAD).join(', ')}`,
    });
  }
  const overhead = own + (backend.type === 'ipsec' && backend.udpEncapsulation ? UDP_ENCAPSULATION : 0);
  const given = HAS_OWN_MTU.includes(backend.type) && backend.mtu !== undefined && backend.mtu > 0;
  const base = given ? (backend.mtu ?? linkMtu) : linkMtu;
  const mtu = base - overhead;
  if (mtu <= 0) {
    throw new CniError({
      code: 'CNI_MTU_TOO_SMALL',
      message: `an MTU of ${base} is too small for the backend ${backend.type} with an overhead of ${overhead}`,
      subject: 'FLANNEL_MTU',
      hint: 'correct the MTU of the link',
    });
  }
  const from = given ? 'Backend.MTU of net-conf.json' : 'the link';
  return { mtu, calculation: `${base} of ${from} minus ${overhead} of ${backend.type}` };
}
