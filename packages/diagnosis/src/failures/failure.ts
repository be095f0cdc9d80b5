import type { Host, HostPath } from '@kube-rescue/host';
import type { Finding } from '../cause.ts';
import { type FailedProgram, findReason } from './failure-reason.ts';
import { describeExcerpt, findChangeSince, lastWords, type LogExcerpt } from './log-excerpt.ts';
import { hasNoListener } from './listening-port.ts';

/** Why a component does not run, by its log. */
export interface Failure {
  /** The reason, when one is known and still applies. */
  readonly finding: Finding | undefined;
  /** Otherwise its last lines. */
  readonly evidence: readonly string[];
}

/** What speaks against an excerpt. */
export interface Doubt {
  /** A file that changed since: what the log complains about may be fixed. */
  readonly changed: HostPath | undefined;
  /** The program has started again since. */
  readonly isRestarted: boolean;
  /** The port that another process had taken is free now. */
  readonly isPortFree: boolean;
}

/** The known reason in a log, unless it may be fixed since; otherwise the last lines as evidence, with that doubt. Pure. */
export function judgeExcerpt(program: FailedProgram, excerpt: LogExcerpt, doubt: Doubt): Failure {
  const { changed, isRestarted, isPortFree } = doubt;
  const { reason, holds } = findReason(program, excerpt) ?? {};
  const isOld = changed !== undefined || isRestarted || isPortFree;
  if (reason !== undefined && holds !== false && (holds === true || !isOld)) return { finding: reason, evidence: [] };
  const since = [
    ...(changed === undefined ? [] : [`, before ${changed} changed`]),
    ...(isRestarted ? [', before its last start'] : []),
    ...(isPortFree ? [', and the port is free now'] : []),
  ];
  return {
    finding: undefined,
    evidence: [
      `log of ${program.name} ends: ${describeExcerpt(excerpt)}${since.join('')}`,
      ...lastWords(excerpt).map((line) => `log of ${program.name}: ${line}`),
    ],
  };
}

/** What speaks against an excerpt: files that changed since, and a port that is free again. */
export async function findDoubt(
  program: FailedProgram,
  excerpt: LogExcerpt,
  files: readonly HostPath[],
  { host }: { readonly host: Pick<Host, 'stat' | 'readFile'> },
): Promise<Omit<Doubt, 'isRestarted'>> {
  const port = findReason(program, excerpt)?.port;
  return {
    changed: await findChangeSince(excerpt, files, { host }),
    isPortFree: port !== undefined && (await hasNoListener(port, { host })),
  };
}
