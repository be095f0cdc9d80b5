import type { Call } from './call.ts';

/** Capabilities of an output stream. */
export interface Terminal {
  /** Characters in a line. */
  readonly columns: number;
  /** Lines of the screen. Default: not known. */
  readonly rows?: number | undefined;
  readonly colour: boolean;
  /** The operator reads it while it is written. */
  readonly live: boolean;
  /** A file or another program reads it: tables keep their natural width, and nothing is shortened. Default: false. */
  readonly unbounded?: boolean | undefined;
  /** `-o wide`: tables have all of their columns. Default: false. */
  readonly wide?: boolean | undefined;
  /** Its locale is not UTF-8: marks are ASCII. Default: false. */
  readonly ascii?: boolean | undefined;
  /** How this program was called, for the command lines that it prints. Default: as `kube-rescue`, on this machine. */
  readonly call?: Call | undefined;
}

const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 40;

/**
 * Describes an output stream: colour and live lines on a terminal only, and no colour where `NO_COLOR` is not empty
 * (no-color.org) or the terminal is dumb. `COLUMNS` wins over the width of the terminal; without both there are 80 columns.
 */
export function describeTerminal(
  stream: { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = stream.isTTY === true;
  const capable = isTerminal && env['TERM'] !== 'dumb';
  const wanted = readColumns(env['COLUMNS']);
  const columns = wanted ?? (isTerminal ? readColumns(String(stream.columns ?? '')) : undefined);
  return {
    columns: columns === undefined ? DEFAULT_COLUMNS : Math.max(columns, LEAST_COLUMNS),
    colour: capable && (env['NO_COLOR'] ?? '') === '',
    live: capable,
    ...(isTerminal && stream.rows !== undefined && stream.rows > 0 ? { rows: stream.rows } : {}),
    unbounded: !isTerminal && wanted === undefined,
    ascii: !isUtf8(env),
  };
}

function readColumns(text: string | undefined): number | undefined {
  const columns = /^\d{1,4}$/.test(text ?? '') ? Number(text) : 0;
  return columns > 0 ? columns : undefined;
}

/** The first of these that is set and not empty names the locale (POSIX, section 8.2); without one it is `C`. */
function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
