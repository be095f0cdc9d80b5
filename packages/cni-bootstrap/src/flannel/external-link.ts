import { CniError } from '../errors.ts';
import type { NodeLink, NodeLinks } from '../network/node-links.ts';
import type { Sourced } from '../network/with-source.ts';
import type { FlannelFlags } from './flannel-flags.ts';

/** What is known of where flannel sends its packets from. */
export interface ExternalLinkInput {
  readonly flags: Pick<FlannelFlags, 'interfaces' | 'interfacePatterns'>;
  /** Where `--iface-can-reach` leads to, when flannel has that flag. */
  readonly towards: string | undefined;
  readonly links: NodeLinks | undefined;
  /** Flannel's own annotation of its last start. */
  readonly publicIp: string | undefined;
  readonly internalIps: readonly string[];
}

/**
 * The MTU of the interface that flannel would take: `--iface`, then `--iface-regex` (the first that fits), then
 * `--iface-can-reach`, then the one of the default route. Where there is none of these, the one that carries the address
 * flannel had last, or the Node's internal address; flannel itself would give up there.
 *
 * Source: flannel `main.go` and `pkg/ipmatch/match.go` LookupExtIface.
 * @throws CniError `CNI_LINK_UNKNOWN`
 */
export function chooseExternalLink(input: ExternalLinkInput): Sourced<number> {
  const { flags, links, towards, publicIp, internalIps } = input;
  if (links === undefined) throw unknown('the interfaces of this machine cannot be read');
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
    ...(asked ? [] : found(holding(publicIp ?? ''), `has ${publicIp ?? ''}, which flannel used last`)),
    ...(asked ? [] : internalIps.flatMap((each) => found(holding(each), `has ${each}, the Node's internal address`))),
  ];
  if (chosen !== undefined) return chosen;
  throw unknown(
    asked
      ? `no interface of this machine is ${[...interfaces, ...interfacePatterns].join(' or ')}`
      : 'there is no default route, and no interface with an address of the Node',
  );
}

/** Addresses first, then names, as flannel looks. */
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
    message: `the interface that flannel sends through is not known: ${message}`,
    subject: 'FLANNEL_MTU',
    hint: 'run it on the node itself, as root, with the network up',
  });
}
