import { type Host, hostPath } from '@kube-rescue/host';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'].map(hostPath);
/** State of a listening socket: proc_net_tcp(5). */
const LISTENING = '0A';

/** Whether no process of this machine listens on a TCP port; `false` when the kernel does not show its sockets. */
export async function hasNoListener(
  port: number,
  { host }: { readonly host: Pick<Host, 'readFile'> },
): Promise<boolean> {
  const tables = await Promise.all(TABLES.map((table) => host.readFile(table)));
  if (tables[0] === undefined) return false;
  return !tables.some((bytes) =>
    new TextDecoder()
      .decode(bytes)
      .split('\n')
      .some((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/);
        return state === LISTENING && Number.parseInt(local.split(':')[1] ?? '', 16) === port;
      }),
  );
}
