import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Found, printedTexts, publicNames, testTitles } from './source-texts.ts';
import { type Refused, refusedInName, refusedInText } from './word-table.ts';

const PAGES = [
  '*.md',
  'docs/**/*.md',
  'packages/*/*.md',
  'apps/*/*.md',
  '.changeset/*.md',
  'package.json',
  '{packages,apps}/*/package.json',
];
const SOURCES = ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts', 'test/**/*.ts', 'scripts/*.js'];
/** These files quote the refused words. */
const ABOUT_WORDS = /^docs\/style\.md$|^docs\/reference\/renames\.md$|^test\/own-words/;

const list = (patterns: readonly string[]): readonly string[] =>
  globSync(patterns, { exclude: (name) => /node_modules|\/generated\/|\/dist\//.test(name) })
    .filter((file) => !ABOUT_WORDS.test(file))
    .toSorted();

/** The pages of the documentation, READMEs and changesets included. */
export const listPages = (): readonly string[] => list(PAGES);

/** Sources of packages, apps, tests and scripts. */
export const listSources = (): readonly string[] => list(SOURCES);

export const isTest = (file: string): boolean => /\.(?:test|contract)\.ts$/.test(file);

const sentence = (file: string, { word, line, instead }: Refused): string =>
  `${file}:${line}: not "${word}" but ${instead}`;

/** One sentence for each refused word of a page: file, line, word, replacement. */
export const refusedInPage = (file: string): readonly string[] =>
  refusedInText(readFileSync(file, 'utf8')).map((each) => sentence(file, each));

/** The same for a source: its printed texts (in a test: its titles), exported names and file name. */
export function refusedInSource(file: string): readonly string[] {
  const source = readFileSync(file, 'utf8');
  const refused = (found: readonly Found[], judge: (text: string) => readonly Refused[]): readonly string[] =>
    found.flatMap(({ text, line }) =>
      judge(text).map(
        (each) =>
          `${sentence(file, { ...each, line: line + each.line - 1 })}: ${text.replaceAll(/\s+/g, ' ').slice(0, 120)}`,
      ),
    );
  return [
    ...refused(isTest(file) ? testTitles(source) : printedTexts(source), refusedInText),
    ...refused(isTest(file) || file.startsWith('test/') ? [] : publicNames(source), refusedInName),
    ...refused([{ text: path.basename(file), line: 1 }], refusedInName),
  ];
}
