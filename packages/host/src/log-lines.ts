import type { HostFiles } from './host.ts';
import { type HostPath, hostPath, joinPath, parentPath } from './host-path.ts';

/** One entry of a log. */
export interface LogLine {
  /** `undefined` when the log does not say. */
  readonly at: Date | undefined;
  readonly text: string;
}

/** `2026-11-22T10:00:00.123456789Z stderr F `, in front of every line; `P` when the next line continues the entry (CRI). */
const CRI_LINE = /^(?<at>\S+) (?:stdout|stderr) (?<tag>[FP]) (?<text>.*)$/;
/** Docker's json-file. */
const JSON_LINE = /^\{"log":/;
/** A runaway entry in parts is cut. */
const MAX_ENTRY = 64 * 1024;
const MAX_LINKS = 4;

/** The entries of a log without what the container runtime puts around them; blank ones are left out. */
export function plainLines(text: string): readonly LogLine[] {
  const lines: LogLine[] = [];
  let begun = '';
  for (const line of text.split('\n')) {
    const { at, text: part, isPart } = readLine(line);
    const whole = (begun + part).slice(0, MAX_ENTRY);
    begun = isPart ? whole : '';
    if (!isPart && whole.trim() !== '') lines.push({ at, text: whole });
  }
  // A program that dies in the middle of an entry never ends it.
  if (begun.trim() !== '') lines.push({ at: undefined, text: begun });
  return lines;
}

function readLine(line: string): LogLine & { readonly isPart: boolean } {
  const { at, tag, text } = CRI_LINE.exec(line)?.groups ?? {};
  if (text !== undefined) return { at: timeOf(at), text, isPart: tag === 'P' };
  const entry = JSON_LINE.test(line) ? parseEntry(line) : undefined;
  if (entry === undefined) return { at: undefined, text: line, isPart: false };
  const isPart = !entry.log.endsWith('\n');
  return { at: timeOf(entry.time), text: entry.log.replace(/\n$/, ''), isPart };
}

function parseEntry(line: string): { readonly log: string; readonly time: string | undefined } | undefined {
  try {
    const { log, time } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    return typeof log === 'string' ? { log, time: typeof time === 'string' ? time : undefined } : undefined;
  } catch (error) {
    // The first line of a tail, or of a full disk, is incomplete.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function timeOf(text: string | undefined): Date | undefined {
  const at = new Date(text ?? '');
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/**
 * The last bytes of a file as text, without an incomplete first line; `undefined` when there is no such file. Docker's logs are
 * links, so the size is that of the file behind them.
 * @throws HostError when it exists but cannot be read
 */
export async function readEnd(
  path: HostPath,
  bytes: number,
  { host }: { readonly host: Pick<HostFiles, 'readRange' | 'stat' | 'readLink'> },
): Promise<{ readonly text: string; readonly modifiedAt: Date } | undefined> {
  let file = path;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const target = await host.readLink(file);
    if (target === undefined) break;
    file = target.startsWith('/') ? hostPath(target) : joinPath(parentPath(file), target);
  }
  const stat = await host.stat(file);
  if (stat?.kind !== 'file') return undefined;
  const offset = Math.max(0, stat.size - bytes);
  const text = new TextDecoder().decode(await host.readRange(path, { offset, length: bytes }));
  const cut = offset > 0 && text.includes('\n') ? text.slice(text.indexOf('\n') + 1) : text;
  return { text: cut, modifiedAt: stat.modifiedAt };
}
