import { isRecoveryError, printable, redact } from '@kube-rescue/errors';
import type { HostFiles } from './host.ts';
import { type HostPath, hostPath, joinPath } from './host-path.ts';

/** The kubelet's directory of container logs since 1.14: `NAMESPACE_NAME_UID/CONTAINER/RESTARTS.log`. */
export const POD_LOGS = hostPath('/var/log/pods');

const TAIL_BYTES = 16 * 1024;
const MAX_LINE_LENGTH = 300;
/** Valid container names: a name from a pod must not lead out of its log directory. */
const CONTAINER = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** `2026-11-22T10:00:00.123456789Z stderr F `, in front of every line of a container's log. */
const CRI_PREFIX = /^\S+ (?:stdout|stderr) [FP] /;

/**
 * The last log lines of a container, safe to print; empty when there is no log. For a restarted container without output yet,
 * those of its previous start.
 * @param directory the pod's directory, below {@link POD_LOGS}
 */
export async function readLogTail(
  { directory, container, lines }: { readonly directory: HostPath; readonly container: string; readonly lines: number },
  { host }: { readonly host: Pick<HostFiles, 'list' | 'readFile'> },
): Promise<readonly string[]> {
  if (!CONTAINER.test(container)) return [];
  const logs = joinPath(directory, container);
  const newestFirst = ((await host.list(logs)) ?? [])
    .filter((name) => /^\d+\.log$/.test(name))
    .toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  for (const name of newestFirst) {
    const path = joinPath(logs, name);
    const bytes = await host.readFile(path).catch((error: unknown) => {
      // An unreadable log must not replace the reported failure.
      if (isRecoveryError(error, 'HOST_FILE_TOO_LARGE')) return Buffer.from(`${path} is too large to be read here\n`);
      throw error;
    });
    const text = new TextDecoder().decode(bytes?.subarray(-TAIL_BYTES));
    const written = text.split('\n').filter((line) => line.trim() !== '');
    if (written.length > 0) return written.slice(-lines).map(toPrintable);
  }
  return [];
}

function toPrintable(line: string): string {
  return printable(redact(line.replace(CRI_PREFIX, ''))).slice(0, MAX_LINE_LENGTH);
}
