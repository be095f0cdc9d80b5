import { type Host, hostPath, joinPath, type ProcessInfo } from '@kube-rescue/host';

export type PortOwnerHost = Pick<Host, 'readFile' | 'list' | 'readLink'>;

/** The TCP socket tables of the caller's network namespace: proc_net(5). */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'].map(hostPath);
const LISTENING = '0A';

/**
 * The process among these that listens on a TCP port; `undefined` when none does, or it is unknown.
 *
 * A terminating program may run until its grace period ends, but no longer listens.
 */
export async function findListener(
  port: number,
  processes: readonly ProcessInfo[],
  host: PortOwnerHost,
): Promise<ProcessInfo | undefined> {
  const sockets = await listListeners(port, host);
  if (sockets.size === 0) return undefined;
  for (const process of processes) {
    const directory = hostPath(`/proc/${process.pid}/fd`);
    for (const name of (await host.list(directory)) ?? []) {
      const target = await host.readLink(joinPath(directory, name));
      if (target !== undefined && sockets.has(target)) return process;
    }
  }
  return undefined;
}

/** Sockets that listen on the port, in the form of the links in `/proc/PID/fd`. */
async function listListeners(port: number, host: PortOwnerHost): Promise<ReadonlySet<string>> {
  const sockets = new Set<string>();
  for (const table of TABLES) {
    const bytes = await host.readFile(table);
    const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n');
    for (const line of lines.slice(1)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const isPort = Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port;
      if (isPort && state === LISTENING && inode !== undefined) sockets.add(`socket:[${inode}]`);
    }
  }
  return sockets;
}
