import { CniError } from '../errors.ts';
import type { NodeLink, NodeLinks } from '../network/node-links.ts';
import type { Sourced } from '../sourced.ts';
import type { FlannelFlags } from './flannel-flags.ts';

/** The input for the choice of flannel's external interface. */
export interface ExternalLinkInput {
  readonly flags: Pick<FlannelFlags, 'interfaces' | 'interfacePatterns'>;
  /** The outgoing interface for `--iface-can-reach`. */
  readonly towards: string | undefined;
  readonly links: NodeLinks | undefined;
  /** Flannel's annotation of its last start. */
  readonly publicIp: string | undefined;
  readonly internalIps: readonly string[];
}

/**
 * The MTU of flannel's external interface: `--iface`, then `--iface-regex` (the first match), then `--iface-can-reach`,
 * then the default route. Without these, the interface with the last address of flannel, or with the internal address of
 * the Node, where flannel itself would fail.
 *
 * Source: flannel `main.go` and `pkg/ipmatch/match.go` LookupExtIface.
 * @throws CniError `CNI_LINK_UNKNOWN`
 */
export function chooseExternalLink(input: ExternalLinkInput): Sourced<number> {
  const { flags, links, towards, publicIp, internalIps } = input;
  if (links === undefined) throw unknown('cannot read the interfaces of this machine');
  const found = (link: NodeLink | undefined, why: string): readonly Sourced<number>[] =>
    link === undefined ? [] : [{ value: link.mtu, source: `interface ${link.name}, ${why}` }];
  const named = (name: string): NodeLink | undefined => links.links.find((link) => link.name === name);
  const holding = (address: string): NodeLink | undefined =>
    links.links.find((link) => link.addresses.includes(address));
  const { interfaces, interfacePatterns } = flags;
  const asked = interfaces.length + interfacePatterns.length > 0;
  const [chosen] = [
    ...interfaces.flatMap((each) => found(named(each) ?? holding(each), `--iface=${each}`)),
    ...interfacePatterns.flatMap((each) => found(matching(links.links, each), `--iface-regex=${each}`)),
    ...(asked ? [] : found(named(towards ?? ''), '--iface-can-reach')),
    ...(asked ? [] : found(named(links.defaultLink ?? ''), 'of the default route')),
    ...(asked ? [] : found(holding(publicIp ?? ''), `has ${publicIp ?? ''}, the last address of flannel`)),
    ...(asked
      ? []
      : internalIps.flatMap((each) => found(holding(each), `has ${each}, the internal address of the Node`))),
  ];
  if (chosen !== undefined) return chosen;
  throw unknown(
    asked
      ? `no interface of this machine is ${[...interfaces, ...interfacePatterns].join(' or ')}`
      : 'no default route, and no interface with an address of the Node',
  );
}

/** Matches addresses before names, as flannel does. */
function matching(links: readonly NodeLink[], pattern: string): NodeLink | undefined {
  let matcher: RegExp;
  try {
    matcher = new RegExp(pattern);
  } catch {
    return undefined;
  }
  return (
    links.find(({ addresses }) => addresses.some((address) => matcher.test(address))) ??
    links.find(({ name }) => matcher.test(name))
  );
}

function unknown(message: string): CniError {
  return new CniError({
    code: 'CNI_LINK_UNKNOWN',
    message: `the external interface of flannel is unknown: ${message}`,
    subject: 'FLANNEL_MTU',
    hint: 'run the command on the node, as root, with the network up',
  });
}
