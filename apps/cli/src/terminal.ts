/** Capabilities of an output stream. */
export interface Terminal {
  /** Characters in a line. */
  readonly columns: number;
  readonly colour: boolean;
  /** The operator reads it while it is written. */
  readonly live: boolean;
}

const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 60;

/**
 * Describes an output stream: colour and live lines on a terminal only, and no colour where `NO_COLOR` is not empty
 * (no-color.org) or the terminal is dumb. A stream without a width has 80 columns.
 */
export function describeTerminal(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = stream.isTTY === true;
  const capable = isTerminal && env['TERM'] !== 'dumb';
  const known = isTerminal && stream.columns !== undefined && stream.columns > 0;
  return {
    columns: known ? Math.max(stream.columns ?? 0, LEAST_COLUMNS) : DEFAULT_COLUMNS,
    colour: capable && (env['NO_COLOR'] ?? '') === '',
    live: capable,
  };
}
