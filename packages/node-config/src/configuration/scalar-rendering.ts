/** A string of a YAML or JSON text: its bytes, its style and its value. */
export interface ScalarSource {
  /** From its quote, or from the header of a block scalar. */
  readonly raw: string;
  readonly style: string | undefined;
  readonly value: string;
}

/** Escapes of YAML 1.2 section 5.7 with one letter; JSON has a part of them. */
const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\u0007',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\u001b',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^xuU])|[^\\]/gsu;

/** The same line breaks at the end as before; the header of a block scalar decides about them. */
function endAlike(value: string, before: string): string {
  const end = /\n*$/.exec(before)?.[0] ?? '';
  return value.replace(/\n*$/, end);
}

/**
 * The bytes of a scalar with another value, in the same style: a block keeps its header and indentation, a quoted string its
 * quotes. Every line, or in double quotes every character, that both values have in common keeps its bytes.
 *
 * `undefined` when the style cannot hold the value. Does not prove it: parse the whole text again.
 */
export function renderScalar(scalar: ScalarSource, value: string): string | undefined {
  switch (scalar.style) {
    case 'BLOCK_LITERAL':
      return renderLiteral(scalar, endAlike(value, scalar.value));
    case 'BLOCK_FOLDED':
      return renderFoldedBlock(scalar, endAlike(value, scalar.value));
    case 'QUOTE_DOUBLE':
      return renderDoubleQuoted(scalar, value);
    case 'QUOTE_SINGLE':
      return `'${fold(value.replaceAll("'", "''"), scalar.raw)}'`;
    case 'PLAIN':
      return fold(endAlike(value, scalar.value), scalar.raw);
    default:
      return undefined;
  }
}

function lineBreakOf(raw: string): string {
  return raw.includes('\r\n') ? '\r\n' : '\n';
}

/** How many items two lists have in common at the start, and behind those at the end. */
function commonEnds<T>(a: readonly T[], b: readonly T[]): readonly [start: number, end: number] {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return [start, end];
}

function renderLiteral({ raw, value: old }: ScalarSource, value: string): string | undefined {
  const [header = '', ...body] = raw.match(/[^\n]*(?:\n|$)/g)?.filter((line) => line !== '') ?? [];
  const [before, after] = [old.split('\n'), value.split('\n')];
  const at = before.findIndex((line) => line !== '');
  const model = body[at]?.replace(/\r?\n$/, '');
  if (model?.endsWith(before[at] ?? '') !== true) return undefined;
  const indent = model.slice(0, model.length - (before[at]?.length ?? 0));
  const [start, end] = commonEnds(before, after);
  const lineBreak = lineBreakOf(raw);
  const changed = after
    .slice(start, after.length - end)
    .map((line) => (line === '' ? lineBreak : indent + line + lineBreak));
  return [header, ...body.slice(0, start), ...changed, ...body.slice(before.length - end)].join('');
}

function renderFoldedBlock({ raw }: ScalarSource, value: string): string | undefined {
  const [header] = /^[^\n]*\n/.exec(raw) ?? [];
  const indent = /\n([ ]*)\S/.exec(raw)?.[1];
  if (header === undefined || indent === undefined) return undefined;
  const lineBreak = lineBreakOf(raw);
  const text = value.replace(/\n+$/, '').replace(/\n+/g, (breaks) => lineBreak.repeat(breaks.length + 1) + indent);
  return header + indent + text + (/(?:\r?\n)*$/.exec(raw)?.[0] ?? '');
}

/** In plain and single-quoted text one line break means a blank, two mean one line break. */
function fold(value: string, raw: string): string {
  const indent = /\n([ \t]*)\S/.exec(raw)?.[1] ?? '  ';
  return value.replace(/\n+/g, (breaks) => lineBreakOf(raw).repeat(breaks.length + 1) + indent);
}

function decodeEscape(token: string): string {
  if (!token.startsWith('\\')) return token;
  const [, kind = ''] = token;
  return token.length > 2 ? String.fromCodePoint(Number.parseInt(token.slice(2), 16)) : (ESCAPES[kind] ?? kind);
}

function renderDoubleQuoted({ raw, value: old }: ScalarSource, value: string): string {
  const tokens = raw.slice(1, -1).match(ESCAPE) ?? [];
  const before = tokens.map(decodeEscape);
  // A string over several lines, or with halves of a character, is written again as a whole.
  if (before.join('') !== old) return JSON.stringify(value);
  const after = value.match(/[^]/gu) ?? [];
  const [start, end] = commonEnds(before, after);
  const changed = JSON.stringify(after.slice(start, after.length - end).join('')).slice(1, -1);
  return `"${tokens.slice(0, start).join('')}${changed}${tokens.slice(tokens.length - end).join('')}"`;
}
