import { type ListenerHost, listListeners, listOpenFiles } from './tcp-listeners.ts';

/** Whether the processes hold the socket that answers at an address; `unknown` when /proc does not show it. */
export type Ownership = 'owned' | 'foreign' | 'unknown';

const ANY_V4 = '00000000';
const ANY_V6 = '0'.repeat(32);

/**
 * Whether the listening socket behind an IPv4 address and port of this machine belongs to one of the processes: by the inode in
 * /proc/net/tcp and the file descriptors of the processes. The kernel prefers the exact address to every address, and IPv4 to
 * IPv6. A process of another user cannot listen on the same address and port.
 *
 * `unknown` for a process of another network namespace, an IPv6 address, and a machine whose /proc cannot be read.
 */
export async function findSocketOwner(
  { address, port, pids }: { readonly address: string; readonly port: number; readonly pids: readonly number[] },
  host: ListenerHost,
): Promise<Ownership> {
  const exact = hexOf(address);
  if (exact === undefined) return 'unknown';
  const listeners = ((await listListeners({ host })) ?? []).filter((each) => each.port === port);
  const v4 = listeners.filter(({ family }) => family === 'IPv4');
  const v6 = listeners.filter(({ family }) => family === 'IPv6');
  const found = [
    v4.filter((each) => each.address === exact),
    v4.filter((each) => each.address === ANY_V4),
    v6.filter((each) => each.address === ANY_V6),
  ].find((each) => each.length > 0);
  if (found === undefined) return 'unknown';
  const held = new Set<string>();
  for (const pid of pids) for (const target of await listOpenFiles(pid, { host })) held.add(target);
  if (held.size === 0) return 'unknown';
  return found.every(({ link }) => held.has(link)) ? 'owned' : 'foreign';
}

/** The kernel prints the four bytes as one number of the machine, little-endian on all that Kubernetes runs on. */
function hexOf(address: string): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return Buffer.from(parts.toReversed()).toString('hex').toUpperCase();
}
