import { formatTime } from '@kube-rescue/errors';
import type { Host, HostPath } from '@kube-rescue/host';

/** What a program printed at its end; safe to print. */
export interface LogExcerpt {
  /** A file, or `journal of UNIT`. */
  readonly source: string;
  readonly lastAt: Date | undefined;
  /** Oldest first. */
  readonly lines: readonly string[];
}

/** klog's errors, a Go panic, cobra's error, and etcd's logs: they say more than the last lines, often a stack or a usage. */
const TELLING =
  /^(?:panic: |fatal error: |[Ee]rror: |[EF]\d{4} |\{"level":"(?:error|panic|fatal)"|\d{4}-\d\d-\d\d \S+ [CE] \| )/;
const MAX_LENGTH = 300;
/** Text before a match that explains it. */
const CONTEXT = 100;
const MOST_LINES = 3;

/** The lines that most likely say why it ended. */
export function lastWords({ lines }: LogExcerpt): readonly string[] {
  const telling = lines.filter((line) => TELLING.test(line));
  return (telling.length > 0 ? telling : lines).slice(-MOST_LINES).map((line) => cutLine(line));
}

/** A part of a line that is short enough for evidence, and has what begins at `index`. */
export function cutLine(line: string, index = 0): string {
  const from = index < MAX_LENGTH / 2 ? 0 : index - CONTEXT;
  return `${from > 0 ? '... ' : ''}${line.slice(from, from + MAX_LENGTH)}`;
}

/** The file and the time of an excerpt, for evidence. */
export function describeExcerpt({ source, lastAt }: LogExcerpt): string {
  return lastAt === undefined ? source : `${source}, ${formatTime(lastAt)}`;
}

/** The first of these files that changed after the excerpt ended: what it says may be fixed. */
export async function findChangeSince(
  { lastAt }: LogExcerpt,
  files: readonly HostPath[],
  { host }: { readonly host: Pick<Host, 'stat'> },
): Promise<HostPath | undefined> {
  if (lastAt === undefined) return undefined;
  for (const file of files) {
    const stat = await host.stat(file);
    if (stat !== undefined && stat.modifiedAt > lastAt) return file;
  }
  return undefined;
}
