import { type Fields, isRecord } from '@kube-rescue/cluster-objects';
import { type IpNetwork, parseNetwork } from '@kube-rescue/host';
import { CniError } from '../errors.ts';

/** The content of `net-conf.json`. */
export interface NetConf {
  readonly ipv4: IpNetwork | undefined;
  readonly ipv6: IpNetwork | undefined;
  readonly backend: FlannelBackend;
}

/** How flannel carries packets between nodes. */
export interface FlannelBackend {
  readonly type: string;
  /** Bytes; used by some backends only. */
  readonly mtu: number | undefined;
  /** Used by `ipsec` only. */
  readonly udpEncapsulation: boolean;
}

/**
 * Reads flannel's `net-conf.json` as flannel does: field names in any case, default IPv4 on and IPv6 off,
 * default backend `udp`.
 *
 * Source: flannel `pkg/subnet/config.go` ParseConfig and parseBackendType.
 * @param subject the source of the text
 * @throws CniError `CNI_NET_CONF_INVALID`
 */
export function parseNetConf(text: string, subject: string): NetConf {
  const invalid = (message: string, cause?: unknown): CniError =>
    new CniError({
      code: 'CNI_NET_CONF_INVALID',
      message: `net-conf.json of flannel is invalid: ${message}`,
      subject,
      hint: 'correct the ConfigMap, for example `{"Network": "10.2.0.0/16", "Backend": {"Type": "vxlan"}}`',
      cause,
    });
  const conf = parseObject(text, invalid);
  const isOn = (name: string, byDefault: boolean): boolean => {
    const value = goField(conf, name) ?? byDefault;
    if (typeof value !== 'boolean') throw invalid(`${name} is not a boolean`);
    return value;
  };
  const network = (name: string, family: 4 | 6): IpNetwork => {
    const cidr = goField(conf, name);
    const found = typeof cidr === 'string' ? parseNetwork(cidr) : undefined;
    if (cidr === undefined) throw invalid(`${name} is missing`);
    if (found === undefined || found.family !== family) throw invalid(`${name} is not an IPv${family} network`);
    return found;
  };
  const ipv4 = isOn('EnableIPv4', true) ? network('Network', 4) : undefined;
  const ipv6 = isOn('EnableIPv6', false) ? network('IPv6Network', 6) : undefined;
  if (ipv4 === undefined && ipv6 === undefined) throw invalid('both IPv4 and IPv6 are disabled');
  return { ipv4, ipv6, backend: parseBackend(goField(conf, 'Backend'), invalid) };
}

function parseBackend(backend: unknown, invalid: (message: string) => CniError): FlannelBackend {
  if (backend === undefined) return { type: 'udp', mtu: undefined, udpEncapsulation: false };
  if (!isRecord(backend)) throw invalid('Backend is not an object');
  const type = goField(backend, 'Type') ?? '';
  if (typeof type !== 'string') throw invalid('Backend.Type is not a string');
  const mtu = goField(backend, 'MTU');
  if (mtu !== undefined && (typeof mtu !== 'number' || !Number.isInteger(mtu)))
    throw invalid('Backend.MTU is not an integer');
  return { type, mtu, udpEncapsulation: goField(backend, 'UDPEncap') === true };
}

function parseObject(text: string, invalid: (message: string, cause?: unknown) => CniError): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid('the file is not JSON', error);
  }
  if (!isRecord(value)) throw invalid('the file is not a JSON object');
  return value;
}

/** A field as Go's JSON decoder finds it: by its exact name, else ignoring case. */
function goField(object: Fields, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const found = Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : object[found];
}
