import { type Host, type HostPath, hostPath, joinPath } from '@kube-rescue/host';

/** A TCP socket that listens. */
export interface TcpListener {
  readonly family: 'IPv4' | 'IPv6';
  /** As the kernel prints it: hexadecimal, each 32 bits in the machine's byte order. */
  readonly address: string;
  readonly port: number;
  /** In the form of the links in `/proc/PID/fd`. */
  readonly link: string;
}

export type ListenerHost = Pick<Host, 'readFile' | 'list' | 'readLink'>;

/** The TCP socket tables of the caller's network namespace: proc_net(5). */
const TABLES: readonly (readonly [TcpListener['family'], HostPath])[] = [
  ['IPv4', hostPath('/proc/net/tcp')],
  ['IPv6', hostPath('/proc/net/tcp6')],
];
const LISTENING = '0A';

/** Every TCP socket that listens in the caller's network namespace; `undefined` when /proc shows none of the tables. */
export async function listListeners({
  host,
}: {
  readonly host: Pick<Host, 'readFile'>;
}): Promise<readonly TcpListener[] | undefined> {
  const found: TcpListener[] = [];
  let isKnown = false;
  for (const [family, table] of TABLES) {
    const bytes = await host.readFile(table);
    isKnown ||= bytes !== undefined;
    const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n');
    for (const line of lines.slice(1)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      if (state !== LISTENING || inode === undefined) continue;
      found.push({ family, address, port: Number.parseInt(port, 16), link: `socket:[${inode}]` });
    }
  }
  return isKnown ? found : undefined;
}

/** The targets of a process's file descriptors, sockets among them; empty when the process has ended. */
export async function listOpenFiles(
  pid: number,
  { host }: { readonly host: Pick<Host, 'list' | 'readLink'> },
): Promise<ReadonlySet<string>> {
  const directory = hostPath(`/proc/${pid}/fd`);
  const targets = new Set<string>();
  for (const name of (await host.list(directory)) ?? []) {
    const target = await host.readLink(joinPath(directory, name));
    if (target !== undefined) targets.add(target);
  }
  return targets;
}
