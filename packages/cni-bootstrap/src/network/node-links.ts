import { isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';

/** The network interfaces of a machine. */
export interface NodeLinks {
  /** In the kernel's order. */
  readonly links: readonly NodeLink[];
  /** The interface of the default route, of IPv4 or else of IPv6. */
  readonly defaultLink: string | undefined;
}

export interface NodeLink {
  readonly name: string;
  /** Bytes. */
  readonly mtu: number;
  readonly addresses: readonly string[];
  /** The same with their prefixes: `10.2.3.1/24`. */
  readonly networks: readonly string[];
}

const TIMEOUT_MS = 10_000;

/** Reads the interfaces with `ip` (iproute2 or busybox). `undefined` when `ip` is missing, or on a copy of a machine. */
export async function readNodeLinks(host: Pick<Host, 'exec'>, signal: AbortSignal): Promise<NodeLinks | undefined> {
  const ask = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, stdout } = await host.exec(['ip', '-o', ...words], { timeoutMs: TIMEOUT_MS, signal });
    return exitCode === 0 ? stdout : '';
  };
  try {
    const [links, addresses, route, route6] = [
      await ask('link', 'show'),
      await ask('addr', 'show'),
      await ask('route', 'show', 'default'),
      await ask('-6', 'route', 'show', 'default'),
    ];
    const found = parseLinks(links, addresses);
    return found.length === 0 ? undefined : { links: found, defaultLink: deviceOf(route) ?? deviceOf(route6) };
  } catch (error) {
    if (isRecoveryError(error, 'HOST_EXEC_NOT_FOUND', 'HOST_UNSUPPORTED', 'HOST_EXEC_TIMEOUT')) return undefined;
    throw error;
  }
}

/** The outgoing interface for an address. */
export async function findLinkTowards(
  address: string,
  host: Pick<Host, 'exec'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { exitCode, stdout } = await host.exec(['ip', '-o', 'route', 'get', address], {
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  return exitCode === 0 ? deviceOf(stdout) : undefined;
}

function parseLinks(links: string, addresses: string): readonly NodeLink[] {
  const byName = new Map<string, string[]>();
  for (const [, name = '', address = ''] of addresses.matchAll(/^\d+:\s+(\S+)\s+inet6?\s+(\S+)/gm)) {
    byName.set(name, [...(byName.get(name) ?? []), address]);
  }
  return [...links.matchAll(/^\d+:\s+([^:@\s]+)(?:@[^:\s]+)?:\s.*?\bmtu (\d+)/gm)].map(([, name = '', mtu = '']) => ({
    name,
    mtu: Number(mtu),
    addresses: (byName.get(name) ?? []).map((each) => each.replace(/\/.*$/, '')),
    networks: byName.get(name) ?? [],
  }));
}

function deviceOf(route: string): string | undefined {
  return /\bdev (\S+)/.exec(route)?.[1];
}
