import type { Plan, PlanEntry } from '@kube-rescue/workflow';
import { describe, expect, it } from 'vitest';
import { renderPlan, summarizePlan } from './plan.ts';

const PLAIN = { columns: 80, colour: false, live: false };

function entry(step: string, finding: Partial<PlanEntry['finding']>, more: Partial<PlanEntry> = {}): PlanEntry {
  const found = { status: 'ok' as const, summary: 'it is good', evidence: [], ...finding };
  return { phase: 'node', step, title: step, finding: found, changes: [], skipped: false, ...more };
}

function planOf(...entries: readonly PlanEntry[]): Plan {
  return { version: 1, playbook: 'kubeadm', host: 'node01', createdAt: '2026-11-22T11:18:00.000Z', entries };
}

const FULL = planOf(
  entry(
    'pki/renew/apiserver',
    { status: 'needed', summary: 'expired on 2026-11-21' },
    {
      changes: [{ kind: 'file.replace', target: '/etc/kubernetes/pki/apiserver.crt' }],
    },
  ),
  entry('pki/renew/front-proxy-client', {
    status: 'blocked',
    summary: 'the key of its CA is not on this node',
    subject: '/etc/kubernetes/pki/front-proxy-ca.key',
    hint: 'put the key of the CA back, or leave this certificate out with --skip pki/renew/front-proxy-client',
  }),
  entry('control-plane/ready', { status: 'unknown', summary: 'nothing answers', waitsFor: ['pki/renew/apiserver'] }),
  entry('pki/renew/admin.conf', { status: 'needed', summary: 'it expired' }, { skipped: true }),
  entry('pki/renew/etcd/server', {}),
);

describe('a plan as text', () => {
  it('lists needed, waiting, blocked and skipped steps, in 80 columns', () => {
    expect(renderPlan(FULL, (change) => `replace ${change.target} (0644)`, PLAIN)).toBe(
      `plan for node01 (kubeadm)

needed   pki/renew/apiserver: expired on 2026-11-21
         - replace /etc/kubernetes/pki/apiserver.crt (0644)

BLOCKED  pki/renew/front-proxy-client: the key of its CA is not on this node
         subject: /etc/kubernetes/pki/front-proxy-ca.key
         hint: put the key of the CA back, or leave this certificate out with
               --skip pki/renew/front-proxy-client

waits    control-plane/ready: nothing answers
         waits for pki/renew/apiserver

skipped  pki/renew/admin.conf: it expired

1 change in 1 step, 1 step to be planned later, 1 step blocked; 1 step up to
date`,
    );
  });

  it('counts known changes, waiting steps and blockers', () => {
    expect(summarizePlan(FULL)).toEqual({ needed: 1, changes: 1, waiting: 1, blocked: 1 });
  });

  it('does not call a plan done when a step without changes of its own is still needed', () => {
    const gate = planOf(entry('control-plane/api-stable', { status: 'needed', summary: 'nothing answers' }));
    expect(renderPlan(gate, () => '', PLAIN)).toContain('0 changes in 1 step');
  });

  it('has nothing to do on a healthy node', () => {
    expect(renderPlan(planOf(entry('a', {})), () => '', PLAIN)).toContain('nothing to do: 1 step up to date');
  });

  it('shows the first of a thousand changes, and counts the rest', () => {
    const changes = Array.from({ length: 1000 }, (_, index) => ({ kind: 'object.replace', target: `Secret ${index}` }));
    const sweep = planOf(entry('objects/trust', { status: 'needed', summary: 'they hold the old CA' }, { changes }));
    const text = renderPlan(sweep, ({ target }) => `replace ${target}`, PLAIN);
    expect(text).toContain('- replace Secret 19\n         - and 980 more of these; --json lists them all\n');
    expect(text).not.toContain('Secret 20\n');
    expect(text).toContain('1000 changes in 1 step');
  });
});
