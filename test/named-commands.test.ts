import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTest, listSources } from './own-words/files.ts';
import { type Found, printedTexts } from './own-words/source-texts.ts';

const ROOT = path.join(import.meta.dirname, '..');

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, { readonly char?: string }>> }>>;
}

const { commands } = JSON.parse(readFileSync(path.join(ROOT, 'apps/cli/oclif.manifest.json'), 'utf8')) as Manifest;
const NAMES = Object.keys(commands).map((id) => id.replaceAll(':', ' '));
const TOPICS = [...new Set(NAMES.map((name) => name.split(' ')[0] ?? ''))];
/** Lines of their own, and names of locks and proofs: nothing to paste out of a sentence. */
const ALONE = /(?:next|roll back with|remove what is left with): $|^(?:next: )?kube-rescue |^recover: |^rollback: /;

interface Named extends Found {
  readonly file: string;
}

/** The texts of packages and command line that name a command of the program. */
function listNamed(): readonly Named[] {
  const files = listSources().filter((file) => /^(?:packages|apps\/cli)\//.test(file) && !isTest(file));
  const wanted = new RegExp(`kube-rescue (?:${TOPICS.join('|')})\\b`);
  return files
    .filter((file) => !/fixture|packages\/testing\//.test(file))
    .flatMap((file) => printedTexts(readFileSync(path.join(ROOT, file), 'utf8')).map((found) => ({ ...found, file })))
    .filter(({ text }) => wanted.test(text) && !text.includes('\n'));
}

describe('a command that a text of the program names', () => {
  const named = listNamed();

  it('stands in a line of its own or between backticks, where programs find it', () => {
    expect(named.length).toBeGreaterThan(60);
    // `no other kube-rescue runs` names the program alone.
    const loose = new RegExp(`(?<!\`|other )kube-rescue (?:${TOPICS.join('|')})\\b`, 'g');
    const found = named.flatMap(({ file, line, text }) =>
      [...text.matchAll(loose)]
        .filter(({ index }) => !ALONE.test(text.slice(0, index)) && !ALONE.test(text))
        .map(() => `${file}:${line}: ${text}`),
    );
    expect(found).toEqual([]);
  });

  it('exists, with the flags that follow it', () => {
    const wrong = named.flatMap(({ file, line, text }) =>
      [...text.matchAll(/`kube-rescue ([^`]+)`/g)].flatMap(([, words = '']) => {
        const fault = faultOf(words);
        return fault === undefined ? [] : [`${file}:${line}: ${words}: ${fault}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

function faultOf(line: string): string | undefined {
  const [before = line] = line.split(' -- ');
  const words = before.split(' ');
  // An expression of the source may be any command.
  if (words[0]?.includes('…') === true) return undefined;
  const name = words.map((_, last) => words.slice(0, last + 1).join(' ')).findLast((each) => NAMES.includes(each));
  const command = name === undefined ? undefined : commands[name.replaceAll(' ', ':')];
  if (command === undefined) return TOPICS.includes(words[0] ?? '') ? 'a topic alone' : 'no such command';
  // Its flags are those of another package.
  if (name === 'drill') return undefined;
  const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.slice(2).replace(/[=….].*$/, ''));
  const unknown = flags.filter((flag) => !(flag in command.flags) && flag !== 'help');
  return unknown.length === 0 ? undefined : `no --${unknown.join(', --')}`;
}
