import { isRecoveryError } from '@kube-rescue/errors';
import { type ContainerLog, type Host, joinPath, POD_LOGS, readContainerLog } from '@kube-rescue/host';
import { componentFlags, namedPaths, type StaticPod } from '@kube-rescue/node-config';
import { type Failure, findDoubt, judgeExcerpt } from './failure.ts';
import type { LogExcerpt } from './log-excerpt.ts';

type FailureHost = Pick<Host, 'list' | 'readFile' | 'readRange' | 'stat' | 'readLink'>;

/** A running program's older lines may be about troubles that are over. */
const LINES_OF_RUNNING = 50;

/**
 * Why a static pod that is down or not healthy fails, from the end of its log.
 *
 * A log is not believed when it is of the start before the running one, or older than the last change of the manifest or of a file
 * that the flags name: what it complains about may be fixed. A flag is compared with the manifest instead.
 * @returns `undefined` for a pod that is no component, or has no log
 */
export async function findPodFailure(
  pod: StaticPod,
  { isRunning }: { readonly isRunning: boolean },
  { host }: { readonly host: FailureHost },
): Promise<Failure | undefined> {
  const component = componentFlags(pod);
  const log = component === undefined ? undefined : await readNewestLog(pod, host);
  if (component === undefined || log === undefined) return undefined;
  const { flags, source } = component;
  const excerpt: LogExcerpt = {
    source: log.path,
    lastAt: log.lastAt,
    lines: isRunning ? log.lines.slice(-LINES_OF_RUNNING) : log.lines,
  };
  const named = [...flags.values()].flatMap(namedPaths);
  const name = component.component;
  const program = { component: name, name, source, flags };
  const doubt = await findDoubt(program, excerpt, [pod.manifest.path, ...named], { host });
  return judgeExcerpt(program, excerpt, { ...doubt, isRestarted: isRunning && log.isPrevious });
}

/** A new manifest gives the pod a new directory; the old ones stay for a while. */
async function readNewestLog(
  { namespace, name, main }: StaticPod,
  host: FailureHost,
): Promise<ContainerLog | undefined> {
  const names = ((await host.list(POD_LOGS)) ?? []).filter((each) => each.startsWith(`${namespace}_${name}-`));
  const logs = await Promise.all(
    names.map((each) => readQuietly({ directory: joinPath(POD_LOGS, each), container: main.name }, host)),
  );
  const timeOf = ({ lastAt }: ContainerLog): number => lastAt?.getTime() ?? 0;
  return logs.filter((log) => log !== undefined).toSorted((a, b) => timeOf(b) - timeOf(a))[0];
}

/** A log that cannot be read must not hide the other causes. */
async function readQuietly(
  input: Parameters<typeof readContainerLog>[0],
  host: FailureHost,
): Promise<ContainerLog | undefined> {
  try {
    return await readContainerLog(input, { host });
  } catch (error) {
    if (isRecoveryError(error)) return undefined;
    throw error;
  }
}
