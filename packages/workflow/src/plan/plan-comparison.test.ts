import { expectCode } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import type { Change } from './change.ts';
import type { Plan } from './plan.ts';
import { assertSamePlan, withVariations } from './plan-comparison.ts';

const FILE = {
  ...{ kind: 'file.replace', target: '/etc/a', before: '00', after: '11' },
  ...{ mode: 0o600, uid: 0, gid: 0, edits: ['a: 1 -> 2'] },
};

function planOf(...changes: readonly Change[]): Plan {
  const finding = { status: 'needed', summary: 'to be done', evidence: [] } as const;
  const entry = { phase: 'one', step: 'one', title: 'one', finding, changes, skipped: false };
  return { version: 1, playbook: 'demo', host: 'node01', createdAt: '2026-11-22T12:00:00Z', entries: [entry] };
}

const compare = async (reviewed: Plan, present: Plan): Promise<void> => assertSamePlan(reviewed, present);

describe('a reviewed plan', () => {
  it.each([
    { after: '22' },
    { after: 'generated' },
    { before: '99' },
    { mode: 0o644 },
    { uid: 7 },
    { gid: 7 },
    { edits: ['a: 1 -> 3'] },
    { target: '/etc/b' },
    { kind: 'file.remove' },
    { watched: true },
  ])('is outdated when a change is another: %o', async (other) => {
    const error = await expectCode(compare(planOf(FILE), planOf({ ...FILE, ...other })), 'PLAN_STALE');
    expect(error.message).toContain('one: /etc/a');
  });

  it('is outdated with more changes, fewer, or in another order', async () => {
    const other = { ...FILE, target: '/etc/b' };
    await expectCode(compare(planOf(FILE), planOf(FILE, other)), 'PLAN_STALE');
    await expectCode(compare(planOf(FILE, other), planOf(FILE)), 'PLAN_STALE');
    await expectCode(compare(planOf(FILE, other), planOf(other, FILE)), 'PLAN_STALE');
    await expectCode(compare(planOf(FILE), { ...planOf(FILE), playbook: 'other' }), 'PLAN_STALE');
  });

  it('is outdated when a file that it creates has another name, apart from the time in it', async () => {
    const created = (name: string): Change => ({ ...FILE, target: `/etc/${name}.pem`, before: 'absent' });
    await compare(planOf(created('client-2026-11-22')), planOf(created('client-2026-11-23')));
    await expectCode(compare(planOf(created('client-2026')), planOf(created('server-2026'))), 'PLAN_STALE');
    const link = (after: string): Change => ({
      kind: 'symlink.replace',
      target: '/etc/current',
      before: 'link:x',
      after,
    });
    await compare(planOf(link('client-2026-11-22')), planOf(link('client-2026-11-23')));
    await expectCode(compare(planOf(link('client-2026')), planOf(link('/tmp/client-2026'))), 'PLAN_STALE');
  });

  it('compares no result that is made again each time, but every other field of its change', async () => {
    const reviewed = withVariations(planOf(FILE), planOf({ ...FILE, after: '22' }));
    expect(reviewed.varies).toEqual(['file.replace /etc/a']);
    await compare(reviewed, planOf({ ...FILE, after: '33' }));
    await expectCode(compare(reviewed, planOf({ ...FILE, after: '33', mode: 0o644 })), 'PLAN_STALE');
    expect(withVariations(planOf(FILE), planOf(FILE)).varies).toEqual([]);
  });

  it('is the same after it was in a file', async () => {
    const change: Change = { ...FILE, watched: undefined };
    await expect(compare(JSON.parse(JSON.stringify(planOf(change))) as Plan, planOf(change))).resolves.toBeUndefined();
  });
});
