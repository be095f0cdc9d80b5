import { type Host, hostPath } from '@kube-rescue/host';
import { createFixedClock, expectCode, SimulatedCrash, withFaults } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { type Phase, rollbackRun, type RunResult, runPlaybook, type Step, type WorkflowDeps } from '../index.ts';
import { A, B, demoDeps, demoHost, demoStep, textAt } from './demo-run.fixture.ts';
import { createWaitClock } from './wait-clock.ts';

const { signal } = new AbortController();
const C = hostPath('/etc/demo/c');

function phase(steps: readonly Step[], parts: Partial<Phase> = {}): Phase {
  return { id: 'beside', title: 'Side by side', isSideBySide: true, steps: async () => steps, ...parts };
}

function run(deps: WorkflowDeps, phases: readonly Phase[], given: { resume?: boolean; signal?: AbortSignal } = {}) {
  const playbook = { id: 'demo', title: 'Demo', phases };
  return runPlaybook({ playbook, selection: {}, confirm: async () => true, signal, ...given }, deps);
}

/** A meeting of steps: each waits until all have come. */
function meeting(count: number): () => Promise<void> {
  let come = 0;
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    come += 1;
    if (come === count) open();
    return all;
  };
}

/** Verified only once `meet` is over. */
function meets(step: Step, meet: () => Promise<void>): Step {
  return {
    ...step,
    verify: async (...args) => {
      await meet();
      return step.verify(...args);
    },
  };
}

async function recordsOf(deps: WorkflowDeps, { runId }: Pick<RunResult, 'runId'>) {
  return (await deps.store.open(runId ?? '')).records();
}

describe('steps that run side by side', () => {
  it('overlap, and leave one journal in order from which all can be rolled back', async () => {
    const host = demoHost();
    const deps = demoDeps(host);
    const meet = meeting(3);
    const steps = [A, B, C].map((file, index) => meets(demoStep(host, `write/${index}`, { [file]: 'new' }), meet));
    const result = await run(deps, [phase(steps)]);
    expect(result.steps.map(({ result: end }) => end)).toEqual(['done', 'done', 'done']);
    const intents = (await recordsOf(deps, result)).flatMap((record) => (record.type === 'intent' ? [record.seq] : []));
    expect(intents.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    await rollbackRun(result.runId ?? '', deps);
    expect([await textAt(host, A), await textAt(host, B), await host.readFile(C)]).toEqual([
      'old a',
      'old b',
      undefined,
    ]);
  });

  it('wait for the ones that they require', async () => {
    const host = demoHost();
    const order: string[] = [];
    const noting = (step: Step): Step => ({
      ...step,
      verify: async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(step.id);
        return step.verify(...args);
      },
    });
    const steps = [
      noting(demoStep(host, 'first', { [A]: 'new' })),
      noting(demoStep(host, 'second', { [B]: 'new' }, { requires: ['first', 'of an earlier phase'] })),
    ];
    await run(demoDeps(host), [phase(steps)]);
    expect(order).toEqual(['first', 'second']);
  });

  it('roll the run back after a failure, and no further step starts', async () => {
    const host = demoHost();
    const fails = demoStep(host, 'fails', { [A]: 'new' }, { verify: async () => ({ verified: false, reason: 'no' }) });
    const later = demoStep(host, 'later', { [C]: 'new' }, { requires: ['slow'] });
    const slow = demoStep(host, 'slow', { [B]: 'new' });
    const wait: Step = {
      ...slow,
      verify: async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return slow.verify(...args);
      },
    };
    const failure = await expectCode(run(demoDeps(host), [phase([fails, wait, later])]), 'APPLY_ROLLED_BACK');
    expect(failure.message).toContain('fails: no');
    expect(later.calls.applies).toBe(0);
    expect([await textAt(host, A), await textAt(host, B)]).toEqual(['old a', 'old b']);
  });

  it('run to their end where the run is kept, and every failure is named', async () => {
    const host = demoHost();
    const deps = demoDeps(host);
    const anchor = demoStep(host, 'anchor', { [A]: 'new' }, { reversible: 'no' });
    const refuses = (id: string, hint: string): Step =>
      demoStep(
        host,
        id,
        { [hostPath(`/etc/demo/${id}`)]: 'x' },
        {
          verify: async () => ({ verified: false, reason: `${id} is not seen`, hint }),
        },
      );
    const good = demoStep(host, 'good', { [B]: 'new' });
    const follows = demoStep(host, 'follows', { [C]: 'new' }, { requires: ['good'] });
    const held = demoStep(host, 'held', {}, { requires: ['names'] });
    const steps = [refuses('names', 'ask the registrar'), refuses('pods', 'read the log'), good, follows, held];
    const failure = await expectCode(
      run(deps, [phase([anchor], { id: 'anchor', isSideBySide: false }), phase(steps)]),
      'NOT_VERIFIED',
    );
    expect(failure.message).toContain('names: names is not seen; pods: pods is not seen');
    expect(failure.hint).toContain('ask the registrar; read the log');
    expect(await textAt(host, C)).toBe('new');
    expect(held.calls.checks).toBe(1);
    const [latest] = await deps.store.list();
    expect([...((await deps.store.open(latest?.id ?? '').then((each) => each.state())).unverified ?? [])]).toEqual([
      'names',
      'pods',
    ]);
  });

  it('end at the next safe point after an interruption, and are resumed', async () => {
    const host = demoHost();
    const deps = demoDeps(host);
    const interruption = new AbortController();
    const first = demoStep(host, 'first', { [A]: 'new' });
    const stops: Step = {
      ...first,
      verify: async (...args) => {
        interruption.abort();
        return first.verify(...args);
      },
    };
    const second = demoStep(host, 'second', { [B]: 'new' }, { requires: ['first'] });
    await expectCode(run(deps, [phase([stops, second])], { signal: interruption.signal }), 'INTERRUPTED');
    expect(await textAt(host, B)).toBe('old b');
    const result = await run(deps, [phase([first, second])], { resume: true });
    expect(result.outcome).toBe('done');
    expect(await textAt(host, B)).toBe('new');
  });
});

describe('steps that run side by side and are killed at any of their writes', () => {
  const write = (host: Host): readonly Step[] =>
    [A, B, C].map((file, index) => demoStep(host, `write/${index}`, { [file]: 'new' }));
  const texts = async (host: Host) => [await textAt(host, A), await textAt(host, B), await textAt(host, C)];

  for (const mode of ['killed-before', 'torn', 'staged'] as const) {
    it(`are rolled back or resumed, ${mode}`, async () => {
      let kills = 0;
      for (let failAt = 1; failAt < 60; failAt += 1) {
        for (const way of ['rollback', 'resume'] as const) {
          const host = demoHost();
          const faulty = withFaults(host, { failAt, mode });
          const end = await run(demoDeps(faulty), [phase(write(faulty))]).catch((error: unknown) => error);
          if (!(end instanceof SimulatedCrash)) continue;
          kills += 1;
          const deps = demoDeps(host);
          const [begun] = await deps.store.list();
          if (begun === undefined) {
            expect(await texts(host)).toEqual(['old a', 'old b', '']);
          } else if (way === 'rollback') {
            await rollbackRun(begun.id, deps);
            expect(await texts(host), `rolled back after write ${failAt}`).toEqual(['old a', 'old b', '']);
          } else {
            await run(deps, [phase(write(host))], { resume: begun.outcome === undefined });
            expect(await texts(host), `resumed after write ${failAt}`).toEqual(['new', 'new', 'new']);
          }
        }
      }
      expect(kills).toBeGreaterThan(40);
    });
  }
});

describe('the waiting of a run', () => {
  it('is the time in which every running step waits', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const journal = { perform: async () => undefined, waitingFor: () => undefined };
    const waiting = createWaitClock(clock);
    const [a, b] = [waiting.measure(() => journal), waiting.measure(() => journal)];
    a.journal.waitingFor('the kubelet');
    clock.advance(1000);
    expect(waiting.seconds()).toBe(0);
    b.journal.waitingFor('a lease');
    clock.advance(2000);
    expect(waiting.seconds()).toBe(2);
    await b.journal.perform([]);
    clock.advance(4000);
    expect(a.end()).toBe(7);
    b.journal.waitingFor('a pod');
    clock.advance(8000);
    expect(b.end()).toBe(10);
    clock.advance(16_000);
    expect(waiting.seconds()).toBe(10);
  });

  it('count what a change waits for, and not the rest of it', async () => {
    const clock = createFixedClock('2026-11-22T12:00:00Z');
    const waiting = createWaitClock(clock);
    const told: string[] = [];
    const step = waiting.measure((whileWaiting) => ({
      perform: async () => {
        clock.advance(1000);
        await whileWaiting('the kubelet to end', async () => clock.advance(2000));
        clock.advance(4000);
      },
      waitingFor: (what) => told.push(what),
    }));
    step.journal.waitingFor('a lease');
    clock.advance(8000);
    await step.journal.perform([]);
    expect(told).toEqual(['a lease', 'the kubelet to end']);
    expect(waiting.seconds()).toBe(10);
    expect(step.end()).toBe(10);
  });
});
