import { readFileSync } from 'node:fs';
import type { CorpusItem, ItemOf } from './corpus/items.ts';

/** Kinds of the corpus on which a program and we disagree for one reason. */
export interface KindDisagreement {
  readonly ours: 'good' | 'bad';
  readonly kinds: readonly string[];
  readonly reason: string;
}

/** Parts of an id that say who reads the item, and which key it has. */
const PREFIX =
  /^(?:kubeconfig\/|(?:chain|certificate|pair|signing-key)\/(?:(?:rsa|p256|ed25519|ec|ed)\/)?(?:direct-)?|bundle\/[\w-]+\/)/;
/** Random changes, numbered. */
const RANDOM = /^((?:key-)?(?:damage|lines)|mutated)[-/]\d+$/;

/** What is broken in an item, whatever its key: `chain/rsa/direct-plain` is of the kind `plain`, a random change is of its sort. */
export function kindOf({ id }: Pick<CorpusItem, 'id'>): string {
  return id.replace(PREFIX, '').replace(RANDOM, '$1');
}

/** Of each sort of random changes, as many as a program that has to be started can judge. */
const RANDOM_ITEMS = 8;

/** One item of each kind, with another key from kind to kind, and some of each sort of random changes. */
export function sampleKinds<T extends CorpusItem>(items: readonly T[]): readonly T[] {
  const kinds = Map.groupBy(items, kindOf);
  return [...kinds].flatMap(([kind, each], at) =>
    isRandom(kind) ? each.slice(0, RANDOM_ITEMS) : each.slice(at % each.length, (at % each.length) + 1),
  );
}

/** A sample of the items that are one kind of file. */
export function sampleOf<Kind extends CorpusItem['kind']>(
  items: readonly CorpusItem[],
  kind: Kind,
): readonly ItemOf<Kind>[] {
  return sampleKinds(items.filter((item): item is ItemOf<Kind> => item.kind === kind));
}

/** Whether a kind is one of random changes, which differ from run to run. */
export function isRandom(kind: string): boolean {
  return /(?:^| )(?:(?:key-)?(?:damage|lines)|mutated)$/.test(kind);
}

/** Two answers to an item; `''` for good. */
export interface Answers {
  readonly kind: string;
  readonly own: string;
  readonly other: string;
}

/** Disagreements as `good: kind` or `bad: kind`, by our verdict, each once. */
export function listDisagreements(answers: readonly Answers[]): readonly string[] {
  const differing = answers.filter(({ own, other }) => (own === '') !== (other === ''));
  return [...new Set(differing.map(({ kind, own }) => `${own === '' ? 'good' : 'bad'}: ${kind}`))].toSorted();
}

/** The same of the listed ones. */
export function listKinds(listed: readonly KindDisagreement[]): readonly string[] {
  return listed.flatMap(({ ours, kinds }) => kinds.map((kind) => `${ours}: ${kind}`)).toSorted();
}

const DOCUMENT = new URL('../../docs/reference/judge-comparison.md', import.meta.url);

/** The rows of the table below a heading of docs/reference/judge-comparison.md, without its head. */
export function rowsBelow(heading: string): readonly string[] {
  const [, section = ''] = readFileSync(DOCUMENT, 'utf8').split(`\n## ${heading}\n`);
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2);
}

/** The row of a disagreement in that document. */
export function rowOf({ ours, kinds, reason }: KindDisagreement): string {
  return `| ${kinds.map((kind) => `\`${kind}\``).join(' ')} | ${ours} | ${reason} |`;
}
