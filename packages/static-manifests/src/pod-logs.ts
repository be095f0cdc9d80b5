import { printable, redact } from '@kube-rescue/errors';
import { type HostFiles, type HostPath, hostPath, joinPath } from '@kube-rescue/host';
import type { StaticPod } from './static-pod.ts';

/** Where every kubelet since 1.14 keeps the logs of containers: `NAMESPACE_NAME_UID/CONTAINER/RESTARTS.log`. */
const POD_LOGS = hostPath('/var/log/pods');

export interface PodLogFolder {
  readonly path: HostPath;
  readonly podUid: string;
}

/**
 * The log folders of every pod that ever came from this manifest and was not cleaned up yet. The kubelet makes one before
 * it starts a pod, so they tell which UIDs are a node's own.
 *
 * Another pod whose name begins with this one's name and a dash is taken for it, as the node's name is not known.
 * @returns `undefined` when the kubelet keeps no logs here
 */
export async function listPodLogFolders(
  pod: Pick<StaticPod, 'name' | 'namespace'>,
  { host }: { readonly host: Pick<HostFiles, 'list'> },
): Promise<readonly PodLogFolder[] | undefined> {
  const names = await host.list(POD_LOGS);
  return names
    ?.filter((name) => name.startsWith(`${pod.namespace}_${pod.name}-`))
    .map((name) => ({ path: joinPath(POD_LOGS, name), podUid: name.slice(name.lastIndexOf('_') + 1) }));
}

/** The last lines that a container of a pod wrote, safe to print; empty when there is no log. */
export async function readLogTail(
  { folder, container, lines }: { readonly folder: HostPath; readonly container: string; readonly lines: number },
  { host }: { readonly host: Pick<HostFiles, 'list' | 'readFile'> },
): Promise<readonly string[]> {
  const logs = joinPath(folder, container);
  const newest = ((await host.list(logs)) ?? [])
    .filter((name) => /^\d+\.log$/.test(name))
    .toSorted((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))[0];
  if (newest === undefined) return [];
  const bytes = await host.readFile(joinPath(logs, newest));
  const text = new TextDecoder().decode(bytes?.subarray(-TAIL_BYTES));
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .map((line) => printable(redact(line.replace(CRI_PREFIX, ''))).slice(0, MAX_LINE_LENGTH));
}

const TAIL_BYTES = 16 * 1024;
const MAX_LINE_LENGTH = 300;

/** `2026-11-22T10:00:00.123456789Z stderr F `, in front of every line of a container's log. */
const CRI_PREFIX = /^\S+ (?:stdout|stderr) [FP] /;
