import { beforeAll, describe, expect, it } from 'vitest';
import { chainItems } from './corpus/chains.ts';
import { type Answers, kindOf, listDisagreements, listKinds, rowOf, rowsBelow } from './kinds.ts';
import { OPENSSL_DISAGREEMENTS } from './openssl-disagreements.ts';
import { askOpenssl, isChain } from './openssl-verify.ts';
import { judgeOurselves } from './own-judge.ts';

const CHAINS = chainItems().filter(isChain);

let answers: readonly Answers[];

beforeAll(async () => {
  const found = await askOpenssl(CHAINS);
  answers = CHAINS.map((chain) => ({
    kind: kindOf(chain),
    own: judgeOurselves(chain),
    other: found.get(chain.id) ?? 'not asked',
  }));
});

describe('openssl verify -x509_strict', () => {
  it('accepts hundreds of the chains and refuses hundreds', () => {
    const good = answers.filter(({ other }) => other === '').length;
    expect(good).toBeGreaterThan(200);
    expect(CHAINS.length - good).toBeGreaterThan(200);
  });

  it('accepts a chain with the key identifiers of kubeadm', () => {
    const plain = answers.filter(({ kind }) => kind === 'plain' || kind === 'plain-client');
    expect(plain.map(({ own, other }) => own + other)).toEqual(plain.map(() => ''));
    expect(plain.length).toBeGreaterThan(10);
  });

  it('disagrees with us on the listed kinds alone, and on each of them', () => {
    expect(listDisagreements(answers)).toEqual(listKinds(OPENSSL_DISAGREEMENTS));
  });

  it('is compared in docs/reference/judge-comparison.md with each reason', () => {
    expect(rowsBelow('OpenSSL')).toEqual(OPENSSL_DISAGREEMENTS.map(rowOf));
  });
});
