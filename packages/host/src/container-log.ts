import { isRecoveryError, printable, redact } from '@kube-rescue/errors';
import type { HostFiles } from './host.ts';
import { type HostPath, hostPath, joinPath } from './host-path.ts';
import { type LogLine, plainLines, readEnd } from './log-lines.ts';

/** The kubelet's directory of container logs since 1.14: `NAMESPACE_NAME_UID/CONTAINER/RESTARTS.log`. */
export const POD_LOGS = hostPath('/var/log/pods');

const TAIL_BYTES = 16 * 1024;
/** A program of Kubernetes before 1.22 prints its usage, up to 60 KiB, behind the reason of its end. */
const START_BYTES = 128 * 1024;
const TAIL_LINE_LENGTH = 300;
/** etcd's errors in JSON have a stack at their end. */
const START_LINE_LENGTH = 4096;
/** Valid container names: a name from a pod must not lead out of its log directory. */
const CONTAINER = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/**
 * A log, or what the kubelet rotated away of it and has not compressed yet (Kubernetes, `pkg/kubelet/logs/container_log_manager.go`).
 */
const LOG = /^(?<restarts>\d+)\.log(?:\.(?<rotated>\d{8}-\d{6}))?$/;

/** What one start of a container printed last. */
export interface ContainerLog {
  readonly path: HostPath;
  /** By the time of the last line, else of the file; `undefined` when neither is known. */
  readonly lastAt: Date | undefined;
  /** It is not of the newest start, which has printed nothing. */
  readonly isPrevious: boolean;
  /** Safe to print, oldest first, at least one; each at most 4096 characters. */
  readonly lines: readonly string[];
}

type LogHost = Pick<HostFiles, 'list' | 'readRange' | 'stat' | 'readLink'>;

/**
 * The last log lines of a container, safe to print; empty when there is no log. For a restarted container without output yet,
 * those of its previous start.
 * @param directory the pod's directory, below {@link POD_LOGS}
 */
export async function readLogTail(
  { directory, container, lines }: { readonly directory: HostPath; readonly container: string; readonly lines: number },
  { host }: { readonly host: Pick<HostFiles, 'list' | 'readFile'> },
): Promise<readonly string[]> {
  for (const { path } of await listLogs({ directory, container }, { host })) {
    const bytes = await host.readFile(path).catch((error: unknown) => {
      // An unreadable log must not replace the reported failure.
      if (isRecoveryError(error, 'HOST_FILE_TOO_LARGE')) return Buffer.from(`${path} is too large to be read here\n`);
      throw error;
    });
    const written = plainLines(new TextDecoder().decode(bytes?.subarray(-TAIL_BYTES)));
    if (written.length > 0) return toPrintable(written, TAIL_LINE_LENGTH).slice(-lines);
  }
  return [];
}

/**
 * What a container printed at the end of its newest start that printed anything, of a log of any size: CRI or JSON lines, entries
 * in several parts joined, rotated logs, bytes that are no text. `undefined` when there is no log with a line.
 *
 * The lines may be older than what they complain about: compare `lastAt`.
 * @param directory the pod's directory, below {@link POD_LOGS}
 * @throws HostError when a log exists but cannot be read
 */
export async function readContainerLog(
  { directory, container }: { readonly directory: HostPath; readonly container: string },
  { host }: { readonly host: LogHost },
): Promise<ContainerLog | undefined> {
  const logs = await listLogs({ directory, container }, { host });
  for (const { path, restarts } of logs) {
    const end = await readEnd(path, START_BYTES, { host });
    const written = end === undefined ? [] : plainLines(end.text);
    if (written.length === 0) continue;
    return {
      path,
      lastAt: written.at(-1)?.at ?? end?.modifiedAt,
      isPrevious: restarts !== logs[0]?.restarts,
      lines: toPrintable(written, START_LINE_LENGTH),
    };
  }
  return undefined;
}

interface LogFile {
  readonly path: HostPath;
  readonly restarts: number;
  readonly rotated: string;
}

/** Newest first; of one start, the log before what was rotated away. */
async function listLogs(
  { directory, container }: { readonly directory: HostPath; readonly container: string },
  { host }: { readonly host: Pick<HostFiles, 'list'> },
): Promise<readonly LogFile[]> {
  if (!CONTAINER.test(container)) return [];
  const logs = joinPath(directory, container);
  return ((await host.list(logs)) ?? [])
    .flatMap((name): readonly LogFile[] => {
      const { restarts, rotated } = LOG.exec(name)?.groups ?? {};
      return restarts === undefined
        ? []
        : [{ path: joinPath(logs, name), restarts: Number.parseInt(restarts, 10), rotated: rotated ?? '~' }];
    })
    .toSorted((a, b) => b.restarts - a.restarts || (a.rotated < b.rotated ? 1 : -1));
}

/** As one text, because a key takes several lines. */
function toPrintable(lines: readonly LogLine[], maxLength: number): readonly string[] {
  return printable(redact(lines.map(({ text }) => text).join('\n')))
    .split('\n')
    .map((line) => line.slice(0, maxLength));
}
