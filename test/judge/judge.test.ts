import { beforeAll, describe, expect, it } from 'vitest';
import { bundleItems, pairItems, signingKeyItems } from './corpus/pairs.ts';
import { chainItems } from './corpus/chains.ts';
import { certificateItems } from './corpus/certificates.ts';
import { kubeconfigItems } from './corpus/kubeconfigs.ts';
import type { CorpusItem } from './corpus/items.ts';
import { type Disagreement, DISAGREEMENTS } from './disagreements.ts';
import { askGo, buildGoProgram, type Go, provideGo } from './go-programs.ts';
import { rowsBelow } from './kinds.ts';
import { isNewerRule, judgeOurselves } from './own-judge.ts';
import { SEED } from './seed.ts';

const CLIENT_GO_KINDS: readonly CorpusItem['kind'][] = ['client-go', 'signing-key', 'kubeconfig'];
const SORTS = {
  certificates: certificateItems(SEED),
  chains: chainItems(),
  bundles: bundleItems(SEED),
  'key pairs': pairItems(SEED),
  'signing keys': signingKeyItems(),
  kubeconfigs: kubeconfigItems(SEED),
} as const satisfies Readonly<Record<string, readonly CorpusItem[]>>;
const ITEMS: readonly CorpusItem[] = Object.values(SORTS).flat();

let go: Go;
let answers: ReadonlyMap<string, string>;

beforeAll(async () => {
  go = await provideGo();
  const byClientGo = ITEMS.filter(({ kind }) => CLIENT_GO_KINDS.includes(kind));
  const byStandardLibrary = ITEMS.filter(({ kind }) => !CLIENT_GO_KINDS.includes(kind));
  await using standardLibrary = await buildGoProgram(go, 'crypto');
  await using clientGo = await buildGoProgram(go, 'client-go');
  const found = await Promise.all([askGo(standardLibrary, byStandardLibrary), askGo(clientGo, byClientGo)]);
  answers = new Map(found.flatMap((each) => [...each]));
}, 900_000);

function isListed({ items, own }: Disagreement, item: { readonly id: string; readonly own: string }): boolean {
  return items.test(item.id) && (own === undefined || own.test(item.own));
}

describe(`the corpus (seed ${SEED})`, () => {
  it('has at least 2,000 items, each judged by Go', () => {
    expect(ITEMS.length).toBeGreaterThanOrEqual(2000);
    expect(new Set(ITEMS.map(({ id }) => id)).size).toBe(ITEMS.length);
    expect(ITEMS.filter(({ id }) => !answers.has(id))).toEqual([]);
  });

  it('is counted in docs/reference/judge-comparison.md', () => {
    const rows = Object.entries(SORTS).map(([sort, { length }]) => `| ${sort} | ${length} |`);
    expect(rowsBelow('Go')).toEqual([...rows, `| all | ${ITEMS.length} |`]);
  });

  it('holds hundreds of good and of bad items', () => {
    const good = ITEMS.filter(({ id }) => answers.get(id) === '').length;
    expect(good).toBeGreaterThan(500);
    expect(ITEMS.length - good).toBeGreaterThan(500);
  });

  it('is never called good where Go refuses it', () => {
    const wrong = ITEMS.filter((item) => answers.get(item.id) !== '' && judgeOurselves(item) === '');
    expect(wrong.map(({ id }) => `${id}: ${answers.get(id)}`)).toEqual([]);
  });

  it('is called bad where Go accepts it for listed reasons alone', () => {
    const strict = ITEMS.filter(({ id }) => answers.get(id) === '')
      .map((item) => ({ id: item.id, own: judgeOurselves(item) }))
      .filter(({ own }) => own !== '' && !isNewerRule(own, go.minor));
    const unlisted = strict.filter((item) => !DISAGREEMENTS.some((listed) => isListed(listed, item)));
    expect(unlisted.map(({ id, own }) => `${id}: ${own}`)).toEqual([]);
    const unused = DISAGREEMENTS.filter((listed) => !strict.some((item) => isListed(listed, item)));
    expect(unused).toEqual([]);
  });
});
