import { CniError } from '../errors.ts';
import type { FlannelBackend } from './net-conf.ts';

/**
 * Bytes that each backend takes off the link's MTU.
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

/** Backends that take the MTU of `Backend.MTU` instead of the link's: `vxlan.go` and `wireguard.go` RegisterNetwork. */
const HAS_OWN_MTU: readonly string[] = ['vxlan', 'wireguard'];

/** The bytes that a packet loses on the way out. */
export interface BackendMtu {
  readonly mtu: number;
  /** How it was reckoned, for a person. */
  readonly reckoning: string;
}

/**
 * The MTU that flannel writes into `subnet.env`.
 * @param linkMtu bytes, of the interface that flannel sends through
 * @throws CniError `CNI_BACKEND_UNKNOWN` `CNI_MTU_TOO_SMALL`
 */
export function deriveMtu(backend: FlannelBackend, linkMtu: number): BackendMtu {
  const own = Object.hasOwn(OVERHEAD, backend.type) ? OVERHEAD[backend.type] : undefined;
  if (own === undefined) {
    throw new CniError({
      code: 'CNI_BACKEND_UNKNOWN',
      message: `what the backend ${JSON.stringify(backend.type)} takes off the MTU is not known`,
      subject: 'Backend.Type of net-conf.json',
      hint: `correct net-conf.json; known are ${Object.keys(OVERHEAD).join(', ')}`,
    });
  }
  const overhead = own + (backend.type === 'ipsec' && backend.udpEncapsulation ? UDP_ENCAPSULATION : 0);
  const given = HAS_OWN_MTU.includes(backend.type) && backend.mtu !== undefined && backend.mtu > 0;
  const base = given ? (backend.mtu ?? linkMtu) : linkMtu;
  const mtu = base - overhead;
  if (mtu <= 0) {
    throw new CniError({
      code: 'CNI_MTU_TOO_SMALL',
      message: `an MTU of ${base} leaves nothing for the backend ${backend.type}, which takes ${overhead}`,
      subject: 'FLANNEL_MTU',
      hint: 'set the MTU of the link right',
    });
  }
  const from = given ? 'Backend.MTU of net-conf.json' : 'the link';
  return { mtu, reckoning: `${base} of ${from} minus ${overhead} of ${backend.type}` };
}
