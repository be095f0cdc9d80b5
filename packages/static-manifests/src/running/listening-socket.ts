import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** Whether the processes hold the socket that answers at an address; `unknown` when /proc does not show it. */
export type Ownership = 'owned' | 'foreign' | 'unknown';

const LISTENING = '0A';
const ANY_V4 = '00000000';
const ANY_V6 = '0'.repeat(32);
const TCP = hostPath('/proc/net/tcp');
const TCP6 = hostPath('/proc/net/tcp6');

interface Listener {
  readonly address: string;
  readonly link: string;
}

/**
 * Whether the listening socket behind an IPv4 address and port of this machine belongs to one of the processes: by the inode in
 * /proc/net/tcp and the file descriptors of the processes. The kernel prefers the exact address to every address, and IPv4 to
 * IPv6. A process of another user cannot listen on the same address and port.
 *
 * `unknown` for a process of another network namespace, an IPv6 address, and a machine whose /proc cannot be read.
 */
export async function findSocketOwner(
  { address, port, pids }: { readonly address: string; readonly port: number; readonly pids: readonly number[] },
  host: Pick<Host, 'readFile' | 'list' | 'readLink'>,
): Promise<Ownership> {
  const exact = hexOf(address);
  if (exact === undefined) return 'unknown';
  const v4 = await listListeners(TCP, port, host);
  const v6 = await listListeners(TCP6, port, host);
  const found = [
    v4.filter((each) => each.address === exact),
    v4.filter((each) => each.address === ANY_V4),
    v6.filter((each) => each.address === ANY_V6),
  ].find((each) => each.length > 0);
  if (found === undefined) return 'unknown';
  const held = new Set<string>();
  for (const pid of pids) {
    const directory = hostPath(`/proc/${pid}/fd`);
    for (const name of (await host.list(directory)) ?? []) {
      const target = await host.readLink(joinPath(directory, name));
      if (target !== undefined) held.add(target);
    }
  }
  if (held.size === 0) return 'unknown';
  return found.every(({ link }) => held.has(link)) ? 'owned' : 'foreign';
}

/** The kernel prints the four bytes as one number of the machine, little-endian on all that Kubernetes runs on. */
function hexOf(address: string): string | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return Buffer.from(parts.toReversed()).toString('hex').toUpperCase();
}

async function listListeners(
  table: HostPath,
  port: number,
  host: Pick<Host, 'readFile'>,
): Promise<readonly Listener[]> {
  const lines = new TextDecoder().decode((await host.readFile(table)) ?? new Uint8Array()).split('\n');
  return lines.slice(1).flatMap((line) => {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const [address = '', hexPort = ''] = local.split(':');
    if (state !== LISTENING || inode === undefined || Number.parseInt(hexPort, 16) !== port) return [];
    return [{ address, link: `socket:[${inode}]` }];
  });
}
