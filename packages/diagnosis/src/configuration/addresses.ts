import type { ComponentFlags } from '@kube-rescue/node-config';
import { type Host, hostPath, isIpAddress } from '@kube-rescue/host';
import type { Finding } from '../cause.ts';

/** The kernel's table of routes; its entries `host LOCAL` are the addresses of this machine (Linux, `net/ipv4/fib_trie.c`). */
const IPV4_ROUTES = hostPath('/proc/net/fib_trie');
/** Address, interface number, prefix, scope, flags, name (Linux, `net/ipv6/addrconf.c`). */
const IPV6_ADDRESSES = hostPath('/proc/net/if_inet6');

/** Flags with addresses that a program binds, or tells others as its own; they must be addresses of this machine. */
const OWN_ADDRESS_FLAGS: Readonly<Record<string, readonly string[]>> = {
  etcd: ['listen-client-urls', 'listen-peer-urls', 'listen-metrics-urls'],
  'kube-apiserver': ['bind-address'],
  'kube-controller-manager': ['bind-address'],
  'kube-scheduler': ['bind-address'],
  kubelet: ['address'],
};
/** The API server listens on all addresses, but sends its clients and the service `kubernetes` to this one. */
const ADVERTISED_FLAGS: Readonly<Record<string, readonly string[]>> = {
  'kube-apiserver': ['advertise-address'],
  kubelet: ['node-ip'],
};

/**
 * Addresses in the flags of the components that this machine does not have: a program that binds one does not start.
 *
 * Not judged on a copy, and where the kernel does not list its addresses. A virtual address that another machine holds at present
 * counts as missing in an advertised flag only when a flag that binds names it too.
 * @throws HostError when the kernel's list exists but cannot be read
 */
export async function findForeignAddresses(
  components: readonly ComponentFlags[],
  { host }: { readonly host: Pick<Host, 'readFile' | 'kind'> },
): Promise<readonly Finding[]> {
  if (host.kind === 'copy') return [];
  const own = await readOwnAddresses(host);
  if (own === undefined) return [];
  const isForeign = (address: string): boolean =>
    isIpAddress(address) && !isWildcard(address) && !isLoopback(address) && !own.has(canonical(address));
  const bound = listAddresses(components, OWN_ADDRESS_FLAGS).filter(({ address }) => isForeign(address));
  const advertised = listAddresses(components, ADVERTISED_FLAGS).filter(({ address }) => isForeign(address));
  if (bound.length === 0) return [];
  const addresses = [...new Set(bound.map(({ address }) => address))];
  const programs = [...new Set([...bound, ...advertised].map(({ component }) => component))];
  const present = [...own].filter((address) => !isLoopback(address)).toSorted();
  return [
    {
      code: 'ADDRESS_NOT_LOCAL',
      summary: `${programs.join(', ')}: configured with ${addresses.join(', ')}, which is not an address of this machine`,
      evidence: [
        `addresses of this machine: ${present.join(', ') || 'loopback only'}`,
        ...[...bound, ...advertised].map(({ component, flag, address }) => `${component} --${flag}: ${address}`),
      ],
      hint: `give this machine its address back (\`ip addr add ${addresses[0]}/PREFIX dev DEVICE\`, then in the configuration of its network); or change the manifests, the kubeconfigs and the names in the certificates to its new address`,
    },
  ];
}

interface NamedAddress {
  readonly component: string;
  readonly flag: string;
  readonly address: string;
}

function listAddresses(
  components: readonly ComponentFlags[],
  table: Readonly<Record<string, readonly string[]>>,
): readonly NamedAddress[] {
  return components.flatMap(({ component, flags }) =>
    (table[component] ?? []).flatMap((flag) =>
      (flags.get(flag) ?? '').split(',').flatMap((value) => {
        const address = addressOf(value.trim());
        return address === undefined ? [] : [{ component, flag, address }];
      }),
    ),
  );
}

/** The address in `192.0.2.10`, `[2001:db8::1]:2379` or `https://192.0.2.10:2379`. */
function addressOf(value: string): string | undefined {
  const [, bracketed, plain] = /^(?:[a-z]+:\/\/)?(?:\[([^\]]+)\]|([^/:]+|[0-9a-f:]+))(?::\d+)?\/?$/i.exec(value) ?? [];
  return bracketed ?? plain;
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || canonical(address) === '::';
}

/** Every address of 127.0.0.0/8 is local (RFC 1122 3.2.1.3). */
function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** One text for each IPv6 address (RFC 5952, as the URL standard writes it). */
function canonical(address: string): string {
  if (!address.includes(':') || !isIpAddress(address)) return address;
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
}

async function readOwnAddresses(host: Pick<Host, 'readFile'>): Promise<ReadonlySet<string> | undefined> {
  const [routes, ipv6] = await Promise.all([host.readFile(IPV4_ROUTES), host.readFile(IPV6_ADDRESSES)]);
  if (routes === undefined) return undefined;
  const text = new TextDecoder().decode(routes);
  const ipv4 = [...text.matchAll(/\|-- ([0-9.]+)\n\s+\/32 host LOCAL/g)].map(([, address = '']) => address);
  const lines = new TextDecoder().decode(ipv6 ?? new Uint8Array()).split('\n');
  const others = lines.flatMap((line) => {
    const groups = /^[0-9a-f]{32}(?= )/.exec(line)?.[0].match(/.{4}/g);
    return groups === null || groups === undefined ? [] : [canonical(groups.join(':'))];
  });
  return new Set([...ipv4, ...others]);
}
