import type { RunState } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { findPublication } from './trust-steps.ts';

const NOT_BEFORE = '2026-11-22T12:00:00.000Z';
const LATER = '2026-11-22T13:00:00.000Z';
const LATEST = '2026-11-22T14:00:00.000Z';
const TRUST = 'objects/trust/cluster-ca';

type Run = Pick<RunState, 'outcome' | 'applied'>;

const run = (step: string, at: string, outcome: Run['outcome'] = 'done'): Run => ({
  outcome,
  applied: new Map([[step, at]]),
});

async function published(...runs: readonly Run[]): Promise<string> {
  return (await findPublication({ notBefore: new Date(NOT_BEFORE) }, { list: async () => runs })).toISOString();
}

describe('the publication of the present CA', () => {
  it('is not before the CA exists', async () => {
    expect(await published()).toBe(NOT_BEFORE);
    expect(await published(run(TRUST, '2025-11-22T12:00:00.000Z'))).toBe(NOT_BEFORE);
  });

  it('is that of the newest run that updated the objects, in any order', async () => {
    expect(await published(run(TRUST, LATER))).toBe(LATER);
    expect(await published(run(`${TRUST}-2`, LATEST), run(TRUST, LATER))).toBe(LATEST);
    expect(await published(run(TRUST, LATER, undefined))).toBe(LATER);
  });

  it('ignores runs that were rolled back and steps that publish no CA', async () => {
    expect(await published(run(TRUST, LATER), run(TRUST, LATEST, 'rolled-back'))).toBe(LATER);
    expect(await published(run('objects/credentials/coredns', LATEST))).toBe(NOT_BEFORE);
  });
});
