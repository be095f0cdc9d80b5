import { literalsOf } from './literals.ts';

/** A text or name in a source, and its line (from 1). */
export interface Found {
  readonly text: string;
  readonly line: number;
}

const TEXT_KEY = /\b(?:hint|message|summary|reason|title|detail|description|subject|label)\s*[:=]\s*$/;
const IS_PROSE = /[a-z]['",:;)]* [a-z(…]/i;
/** A literal before a callback is the title of `it`, `describe` or `it.each(…)`. */
const TAKES_A_CALLBACK = /^\s*,\s*(?:\{[^}]*\},\s*)?(?:async\s*)?(?:\(|function|[a-z]\w* =>)/;
const EXPORT =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;
const FIELD = /^ {2,}readonly (\w+)\??:/gm;

/** The texts that the program may print: prose, and every message, hint, title and the like. */
export const printedTexts = (source: string): readonly Found[] =>
  literalsOf(source).filter(({ text, before }) => IS_PROSE.test(text) || TEXT_KEY.test(before));

/** The titles of `describe` and `it`, those with `each` included. */
export const testTitles = (source: string): readonly Found[] =>
  literalsOf(source).filter(
    ({ text, before, after }) => /\(\s*$/.test(before) && TAKES_A_CALLBACK.test(after) && IS_PROSE.test(text),
  );

/** Exported names, and the fields of types: they become fields of JSON documents. */
export function publicNames(source: string): readonly Found[] {
  return [EXPORT, FIELD].flatMap((pattern) =>
    [...source.matchAll(pattern)].map(({ 1: text = '', index }) => ({
      text,
      line: source.slice(0, index).split('\n').length,
    })),
  );
}
