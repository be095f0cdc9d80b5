import { isRecoveryError, printable, redact } from '@kube-rescue/errors';
import { type Host } from '@kube-rescue/host';
import type { LogExcerpt } from './log-excerpt.ts';

const LINES = 200;
const MAX_LINE_LENGTH = 4096;
const TIMEOUT_MS = 5000;

/** A line of `journalctl --output=json` (systemd.journal-fields(7)). */
interface Entry {
  readonly pid: string;
  /** Microseconds since 1970. */
  readonly at: number;
  readonly text: string;
}

/**
 * What the newest process of a systemd service printed since the machine started, from its journal: only lines of processes in the
 * unit's own cgroup, which others cannot forge. `undefined` without journalctl, without an entry, and on a copy.
 */
export async function readServiceLog(
  service: string,
  { host }: { readonly host: Pick<Host, 'exec' | 'kind'> },
): Promise<LogExcerpt | undefined> {
  if (host.kind !== 'live') return undefined;
  const unit = service.endsWith('.service') ? service : `${service}.service`;
  const output = await readJournal(unit, host);
  const entries = output.split('\n').flatMap((line) => parseEntry(line) ?? []);
  const last = entries.at(-1);
  if (last === undefined) return undefined;
  const text = entries.filter(({ pid }) => pid === last.pid).map((entry) => entry.text);
  return {
    source: `journal of ${unit}`,
    lastAt: new Date(last.at / 1000),
    lines: printable(redact(text.join('\n')))
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.slice(0, MAX_LINE_LENGTH)),
  };
}

async function readJournal(unit: string, host: Pick<Host, 'exec'>): Promise<string> {
  const options = ['--boot', '--quiet', '--no-pager', '--output=json', '--output-fields=MESSAGE,_PID'];
  try {
    const { exitCode, stdout } = await host.exec(
      ['journalctl', ...options, `--lines=${LINES}`, `_SYSTEMD_UNIT=${unit}`],
      { timeoutMs: TIMEOUT_MS },
    );
    return exitCode === 0 ? stdout : '';
  } catch (error) {
    if (isRecoveryError(error)) return '';
    throw error;
  }
}

/** A message with bytes that are no text is an array of numbers; a very large one is `null`. */
function parseEntry(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { _PID: pid, __REALTIME_TIMESTAMP: at, MESSAGE: message } = JSON.parse(line) as Record<string, unknown>;
    const text = Array.isArray(message) ? Buffer.from(message as number[]).toString() : message;
    if (typeof pid !== 'string' || typeof at !== 'string' || typeof text !== 'string') return undefined;
    return { pid, at: Number(at), text };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
