/** A string or template literal: its text, with `…` for each expression, and the source around it. */
export interface Literal {
  readonly text: string;
  readonly line: number;
  /** The source before the literal, at most 60 characters. */
  readonly before: string;
  /** The source after the literal, at most 40 characters. */
  readonly after: string;
}

const BEFORE_A_REGEX = /(?:[(,=:[!&|?{};+\-*%^~<>]|\breturn|\bcase|\bof|\bin|=>)\s*$|^\s*$/;
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
const QUOTED = /(['"])((?:\\.|(?!\1)[^\\\n])*)\1/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/**
 * Returns every string and template literal of a TypeScript source, nested ones included. Skips comments and regular
 * expressions. It is a scanner, not a parser: it does not support JSX.
 */
export function literalsOf(source: string): readonly Literal[] {
  const found: Literal[] = [];
  const add = (text: string, start: number, end: number): void => {
    const line = source.slice(0, start).split('\n').length;
    const before = source.slice(Math.max(0, start - 60), start);
    found.push({ text: text.replaceAll(/\\(['"`])/g, '$1'), line, before, after: source.slice(end, end + 40) });
  };
  /** Reads code from `from` to its closing brace, or to the end. Returns the position after it. */
  const readCode = (from: number): number => {
    let depth = 0;
    for (let at = from; at < source.length; ) {
      const char = source[at];
      if (char === '`') {
        at = readTemplate(at);
        continue;
      }
      const quoted = char === "'" || char === '"' ? matchAt(QUOTED, source, at) : null;
      if (quoted !== null) add(quoted[2] ?? '', at, QUOTED.lastIndex);
      const isRegex = char === '/' && BEFORE_A_REGEX.test(source.slice(Math.max(0, at - 30), at));
      const skipped =
        quoted ?? (char === '/' ? matchAt(COMMENT, source, at) : null) ?? (isRegex ? matchAt(REGEX, source, at) : null);
      if (char === '{') depth += 1;
      if (char === '}') {
        if (depth === 0) return at + 1;
        depth -= 1;
      }
      at += skipped?.[0].length ?? 1;
    }
    return source.length;
  };
  const readTemplate = (start: number): number => {
    let text = '';
    let at = start + 1;
    while (at < source.length && source[at] !== '`') {
      if (source.startsWith('${', at)) {
        at = readCode(at + 2);
        text += '…';
      } else {
        const length = source[at] === '\\' ? 2 : 1;
        text += source.slice(at, at + length);
        at += length;
      }
    }
    add(text, start, at + 1);
    return at + 1;
  };
  readCode(0);
  return found.toSorted((a, b) => a.line - b.line);
}
