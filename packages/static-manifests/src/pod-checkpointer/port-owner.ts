import type { ProcessInfo } from '@kube-rescue/host';
import { type ListenerHost, listListeners, listOpenFiles } from '../running/tcp-listeners.ts';

/**
 * The process among these that listens on a TCP port; `undefined` when none does, or it is unknown.
 *
 * A terminating program may run until its grace period ends, but no longer listens.
 */
export async function findListener(
  port: number,
  processes: readonly ProcessInfo[],
  host: ListenerHost,
): Promise<ProcessInfo | undefined> {
  const listeners = (await listListeners({ host })) ?? [];
  const sockets = listeners.filter((each) => each.port === port).map(({ link }) => link);
  if (sockets.length === 0) return undefined;
  for (const process of processes) {
    const files = await listOpenFiles(process.pid, { host });
    if (sockets.some((socket) => files.has(socket))) return process;
  }
  return undefined;
}
