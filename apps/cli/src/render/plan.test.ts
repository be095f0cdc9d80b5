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
    expect(renderPlan(FULL, (change) => `replace ${change.target} (0644)`, PLAIN, { verbose: true })).toBe(
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

REFUSED, nothing will be changed: the key of its CA is not on this node; 1
change in 1 step, 1 step to be planned later, 1 step blocked; 1 step up to date
next: put the key of the CA back, or leave this certificate out with --skip
      pki/renew/front-proxy-client`,
    );
  });

  it('is brief by default: equal reasons are one with a list, blockers come first, the next command is the last line', () => {
    const about = (id: string, reason: string) => ({ noun: 'certificate', id, reason });
    const expired = ['apiserver', 'etcd/server', 'etcd/peer'].map((id, second) => {
      const reason = `expired on 2026-11-21 12:00:0${second} UTC`;
      const changes = [{ kind: 'file.replace', target: `/etc/${id}.crt` }];
      return entry(`pki/renew/${id}`, { status: 'needed', summary: reason, about: about(id, reason) }, { changes });
    });
    const describeChange = ({ target }: { readonly target: string }): string => `replace ${target}`;
    const next = { command: 'recover', text: 'asks first' };
    expect(renderPlan(planOf(...expired), describeChange, PLAIN, { details: 'plan --verbose', next })).toBe(
      `plan for node01 (kubeadm)

needed   3 certificates: expired on 2026-11-21
         apiserver, etcd/server, etcd/peer
         - 3 changes

3 changes in 3 steps; 0 steps up to date
details: kube-rescue plan --verbose
next: kube-rescue recover
      asks first`,
    );
    const lacking = { status: 'blocked', summary: 'no key', about: about('admin.conf', 'no key'), hint: 'restore it' };
    const blocked = planOf(...expired, entry('kubeconfig/renew/admin.conf', lacking as PlanEntry['finding']));
    const text = renderPlan(blocked, describeChange, PLAIN, { next });
    expect(text.indexOf('BLOCKED')).toBeLessThan(text.indexOf('needed'));
    expect(text).toMatch(/REFUSED, nothing will be changed: no key; [^]*\nnext: restore it$/);
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
    const text = renderPlan(sweep, ({ target }) => `replace ${target}`, PLAIN, { verbose: true });
    expect(text).toContain('- replace Secret 19\n         - and 980 more of these; --json lists them all\n');
    expect(text).not.toContain('Secret 20\n');
    expect(text).toContain('1000 changes in 1 step');
  });
});
