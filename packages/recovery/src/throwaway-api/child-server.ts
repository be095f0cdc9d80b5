import { describeError, isRecoveryError } from '@kube-rescue/errors';
import type { Host } from '@kube-rescue/host';

/** A server that runs until it is stopped. */
export interface ChildServer {
  readonly name: string;
  /** Resolves when it has ended, with the reason. */
  readonly ended: Promise<string>;
  /** The reason once it has ended. */
  end(): string | undefined;
  /** Kills it. Returns before the kernel has removed it. */
  stop(): void;
}

/** As long as a timer can wait: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;
const CHECK_TIMEOUT_MS = 10_000;
const KEPT_LINES = 20;
const LINE_LENGTH = 300;

/**
 * Starts a server in the background. The kernel kills it when this process ends, where `setpriv` can ask for that (util-linux 2.33);
 * otherwise the next start finds it.
 */
export async function startChild(
  name: string,
  argv: readonly [string, ...string[]],
  { host }: { readonly host: Pick<Host, 'exec'> },
): Promise<ChildServer> {
  const stopped = new AbortController();
  const lines: string[] = [];
  const onErrorLine = (line: string): void => {
    lines.push(line.slice(0, LINE_LENGTH));
    if (lines.length > KEPT_LINES) lines.shift();
  };
  let reason: string | undefined;
  const options = { timeoutMs: LONGEST_MS, signal: stopped.signal, onErrorLine };
  const words: readonly [string, ...string[]] = (await canBind(host)) ? [...BOUND, ...argv] : argv;
  const ended = host.exec(words, options).then(
    ({ exitCode }) => `${name} ended with ${exitCode}: ${describeLines(lines)}`,
    (error: unknown) => (stopped.signal.aborted ? `${name} was stopped` : describeError(error)),
  );
  const known = ended.then((text) => (reason = text));
  return { name, ended: known, end: () => reason, stop: () => stopped.abort() };
}

const BOUND = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

async function canBind(host: Pick<Host, 'exec'>): Promise<boolean> {
  try {
    return (await host.exec([...BOUND, 'true'], { timeoutMs: CHECK_TIMEOUT_MS })).exitCode === 0;
  } catch (error) {
    if (isRecoveryError(error)) return false;
    throw error;
  }
}

/** The last line that is an error, else the last one. */
function describeLines(lines: readonly string[]): string {
  const isError = (line: string): boolean => /^[EF]\d{4} |"level":"(?:error|fatal|panic)"|^Error:|^panic:/.test(line);
  return lines.findLast(isError) ?? lines.findLast((line) => line.trim() !== '') ?? 'it wrote nothing';
}
