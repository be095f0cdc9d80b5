import { readFileSync } from 'node:fs';

const STYLE = readFileSync(new URL('../../docs/style.md', import.meta.url), 'utf8');

/** One row of a table in docs/style.md. */
interface Word {
  readonly refused: RegExp;
  readonly instead: string;
  /** Phrases in which the word has its proper meaning. */
  readonly fine: RegExp | undefined;
}

/** A refused word, its line in the text (from 1), and its replacement. */
export interface Refused {
  readonly word: string;
  readonly line: number;
  readonly instead: string;
}

/** Matches the phrases of a cell as whole words, across line breaks too. */
function toPattern(cell: string): RegExp | undefined {
  const phrases = [...cell.matchAll(/`([^`]+)`/g)].map(([, phrase = '']) => phrase.replaceAll(' ', '\\s+'));
  return phrases.length === 0 ? undefined : new RegExp(`(?<![\\w-])(?:${phrases.join('|')})(?![\\w-])`, 'gi');
}

function readTable(heading: string): readonly Word[] {
  const rows = STYLE.split(`| ${heading} | but | fine in |\n|---|---|---|\n`)[1]?.split('\n\n')[0] ?? '';
  return rows.split('\n').flatMap((row) => {
    const [, not = '', instead = '', fine = ''] = row.split('|').map((cell) => cell.trim());
    const refused = toPattern(not);
    return refused === undefined ? [] : [{ refused, instead, fine: toPattern(fine) }];
  });
}

const IN_TEXTS = readTable('not');
const IN_NAMES = [...IN_TEXTS, ...readTable('not in a name')];
/** `createEtcdWayIn`, `way-in.ts` and `WAY_IN` as "create etcd way in", "way in ts" and "way in". */
const wordsOf = (name: string): string =>
  name
    .replaceAll(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
    .replaceAll(/[-_./\s]+/g, ' ')
    .toLowerCase();

function refuse(text: string, words: readonly Word[]): readonly Refused[] {
  return words.flatMap(({ refused, instead, fine }) => {
    const rest = fine === undefined ? text : text.replaceAll(fine, (phrase) => phrase.replaceAll(/\S/g, ' '));
    return [...rest.matchAll(refused)].map((match) => ({
      word: match[0].replaceAll(/\s+/g, ' '),
      line: rest.slice(0, match.index).split('\n').length,
      instead,
    }));
  });
}

/** The refused words of a text: a message, a title, a page. */
export const refusedInText = (text: string): readonly Refused[] => refuse(text, IN_TEXTS);

/** The refused words of an identifier or file name. */
export const refusedInName = (name: string): readonly Refused[] => refuse(wordsOf(name), IN_NAMES);
