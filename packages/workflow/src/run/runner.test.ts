import { type Host, HostError, hostPath, joinPath } from '@kube-rescue/host';
import { createFakeHost, createFixedClock, expectCode, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  createChangeRegistry,
  type Finding,
  hostChangeKinds,
  openRunStore,
  type Plan,
  type Playbook,
  planPlaybook,
  readBefore,
  rollbackRun,
  type RunResult,
  runPlaybook,
  type Step,
  type Verdict,
  type WorkflowDeps,
} from '../index.ts';

const FILE = hostPath('/etc/demo/file');
const clock = createFixedClock('2026-11-22T12:00:00Z');

function makeHost(): Host {
  return createFakeHost({ tree: treeOf({ [FILE]: 'old' }), services: { kubelet: 'stopped' } });
}

function depsOf(host: Host, events: string[] = []): WorkflowDeps {
  const kinds = createChangeRegistry(hostChangeKinds(host));
  return { host, clock, kinds, store: openRunStore(host), onEvent: (event) => events.push(event.type) };
}

async function text(host: Host, path = FILE): Promise<string> {
  return Buffer.from((await host.readFile(path)) ?? []).toString();
}

interface StepParts {
  readonly id?: string;
  readonly finding?: Finding;
  readonly reversible?: 'yes' | 'no';
  readonly requires?: readonly string[];
  readonly apply?: Step['apply'];
  readonly verdict?: () => Promise<Verdict>;
}

/** A step that writes `new` to the file by default. */
function makeStep(host: Host, parts: StepParts = {}): Step {
  let before = 'absent';
  return {
    id: parts.id ?? 'write',
    title: 'write the file',
    requires: parts.requires ?? [],
    reversible: parts.reversible ?? 'yes',
    check: async () => {
      before = await readBefore(host, FILE);
      const isOld = (await text(host)) === 'old';
      return parts.finding ?? { status: isOld ? 'needed' : 'ok', summary: 'the file is old', evidence: [] };
    },
    plan: (): Change[] => [
      { kind: 'file.replace', target: FILE, before, after: 'generated', mode: 0o644, uid: 0, gid: 0 },
    ],
    apply:
      parts.apply ??
      ((changes, journal) => journal.perform(changes.map((change) => ({ change, material: Buffer.from('new') })))),
    verify: parts.verdict ?? (async () => ({ verified: true, evidence: ['seen'] })),
  };
}

function playbookOf(...steps: readonly Step[]): Playbook {
  return {
    id: 'demo',
    title: 'Demo',
    phases: steps.map((step) => ({ id: step.id, title: step.id, steps: async () => [step] })),
  };
}

interface RunParts {
  readonly resume?: boolean;
  readonly expected?: Plan;
  readonly planned?: Plan;
  readonly signal?: AbortSignal;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly confirmed?: boolean;
}

async function run(host: Host, playbook: Playbook, parts: RunParts = {}, events?: string[]): Promise<RunResult> {
  const { resume, expected, planned, only, skip } = parts;
  const signal = parts.signal ?? new AbortController().signal;
  const confirm = async (): Promise<boolean> => parts.confirmed ?? true;
  const input = { playbook, selection: { only, skip }, confirm, resume, expected, planned, signal };
  return runPlaybook(input, depsOf(host, events));
}

function blockedFinding(waitsFor: readonly string[] = []): Finding {
  return {
    status: 'blocked',
    summary: 'the key is gone',
    evidence: [],
    subject: 'ca.key',
    hint: 'bring it back',
    waitsFor,
  };
}

const fails: Step['apply'] = async () => {
  throw new Error('the disk caught fire');
};

describe('a run', () => {
  it('refuses before the first write when a step is blocked, and names the reason', async () => {
    const host = makeHost();
    const blocked = makeStep(host, { id: 'later', finding: blockedFinding() });
    const error = await expectCode(run(host, playbookOf(makeStep(host), blocked)), 'WORKFLOW_BLOCKED');
    expect(error.message).toContain('the key is gone');
    expect(error.hint).toBe('bring it back');
    expect(await text(host)).toBe('old');
    expect(await depsOf(host).store.list()).toEqual([]);
  });

  it('writes nothing when the operator declines', async () => {
    const host = makeHost();
    const result = await run(host, playbookOf(makeStep(host)), { confirmed: false });
    expect(result.outcome).toBe('declined');
    expect(await text(host)).toBe('old');
  });

  it('runs a step that waited for an earlier one', async () => {
    const host = makeHost();
    const waiting: Step = {
      ...makeStep(host, { id: 'waiting' }),
      check: async () =>
        (await text(host)) === 'new'
          ? { status: 'ok', summary: 'there now', evidence: [] }
          : { ...blockedFinding(['write']), status: 'unknown' },
    };
    const result = await run(host, playbookOf(makeStep(host), waiting));
    expect(result.steps.map(({ step, result: state }) => `${step} ${state}`)).toEqual(['write done', 'waiting ok']);
  });

  it('fails when a step is still blocked when it is reached', async () => {
    for (const status of ['blocked', 'unknown'] as const) {
      const host = makeHost();
      const waiting: Step = {
        ...makeStep(host, { id: 'waiting' }),
        check: async () => ({ ...blockedFinding(['write']), status }),
      };
      const error = await expectCode(run(host, playbookOf(makeStep(host), waiting)), 'APPLY_ROLLED_BACK');
      expect(error.message).toContain('waiting: the key is gone');
      expect(error.hint).toBe('bring it back');
      expect(await text(host)).toBe('old');
    }
  });

  it('rolls back every change when a later step fails', async () => {
    const host = makeHost();
    const broken = makeStep(host, { id: 'broken', finding: needed(), apply: fails });
    const error = await expectCode(run(host, playbookOf(makeStep(host), broken)), 'APPLY_ROLLED_BACK');
    expect(error.message).toContain('the disk caught fire');
    expect(await text(host)).toBe('old');
  });

  it('records an outcome when the steps of a later phase cannot be created', async () => {
    const unreadable = (irreversible: boolean) => {
      const host = makeHost();
      let loads = 0;
      const later = async (): Promise<readonly Step[]> => {
        loads += 1;
        // Planning succeeds.
        if (loads === 1) return [];
        throw new HostError({ code: 'HOST_IO', message: 'the disk is gone', subject: '/dev/sda' });
      };
      const first = makeStep(host, { reversible: irreversible ? 'no' : 'yes' });
      const playbook = playbookOf(first);
      const phases = [...playbook.phases, { id: 'later', title: 'Later', steps: later }];
      return { host, playbook: { ...playbook, phases } };
    };
    const reversible = unreadable(false);
    const rolledBack = await expectCode(run(reversible.host, reversible.playbook), 'APPLY_ROLLED_BACK');
    expect(rolledBack.message).toContain('later: the disk is gone');
    expect(await text(reversible.host)).toBe('old');
    const irreversible = unreadable(true);
    const error = await expectCode(run(irreversible.host, irreversible.playbook), 'NOT_VERIFIED');
    expect(error.hint).toMatch(/; then run the same command again, or roll it back \(`kube-rescue rollback \S+`\)$/);
    expect(await text(irreversible.host)).toBe('new');
    const outcomes = await Promise.all(
      [reversible.host, irreversible.host].map(async (host) => (await depsOf(host).store.list())[0]?.outcome),
    );
    expect(outcomes).toEqual(['rolled-back', 'not-verified']);
  });

  it('names the other machines that it waits for, and rolls nothing back', async () => {
    const host = makeHost();
    const waits = (id: string, awaits: string | undefined): Step =>
      makeStep(host, {
        ...{ id, finding: needed(), reversible: 'no', apply: async () => undefined },
        verdict: async () => ({ verified: false, reason: 'no majority', hint: 'run it on cp2', awaits }),
      });
    const playbook = playbookOf(makeStep(host), waits('majority', 'cp2'));
    const error = await expectCode(run(host, playbook), 'WAITING_FOR_OTHERS');
    expect(error).toMatchObject({ subject: 'cp2', message: expect.stringContaining('no majority') });
    expect(error.hint).toMatch(/^run it on cp2; then run the same command again, or roll it back/);
    expect(await text(host)).toBe('new');
    expect((await depsOf(host).store.list())[0]?.outcome).toBe('not-verified');
    // What also failed here comes first.
    const steps = async (): Promise<readonly Step[]> => [waits('majority', 'cp2'), waits('node', undefined)];
    const both = { id: 'demo', title: 'Demo', phases: [{ id: 'both', title: 'both', isSideBySide: true, steps }] };
    await expectCode(run(makeHost(), both), 'NOT_VERIFIED');
  });

  it('rolls back only the failed step after a verified irreversible step', async () => {
    const host = makeHost();
    const restart = makeStep(host, {
      id: 'restart',
      finding: needed(),
      reversible: 'no',
      apply: async () => undefined,
    });
    const broken = makeStep(host, { id: 'broken', finding: needed(), apply: fails });
    await expectCode(run(host, playbookOf(makeStep(host), restart, broken)), 'NOT_VERIFIED');
    expect(await text(host)).toBe('new');
  });

  it('rolls back a write whose effect is not verified', async () => {
    const host = makeHost();
    const unseen = makeStep(host, {
      verdict: async () => ({ verified: false, reason: 'the socket shows the old serial' }),
    });
    const error = await expectCode(run(host, playbookOf(unseen)), 'APPLY_ROLLED_BACK');
    expect(error.message).toContain('the socket shows the old serial');
    expect(await text(host)).toBe('old');
  });

  it('stops unverified when the effect of a restart is not verified, and verifies again when resumed', async () => {
    const host = makeHost();
    let seen = false;
    const verdict = async (): Promise<Verdict> =>
      seen ? { verified: true, evidence: [] } : { verified: false, reason: 'not yet' };
    const playbook = playbookOf(makeStep(host, { reversible: 'no', verdict }));
    await expectCode(run(host, playbook), 'NOT_VERIFIED');
    expect(await text(host)).toBe('new');
    await expectCode(run(host, playbook, { resume: true }), 'NOT_VERIFIED');
    seen = true;
    expect((await run(host, playbook, { resume: true })).outcome).toBe('done');
  });

  it('verifies a proof after the step that it proves was applied, and only then', async () => {
    const host = makeHost();
    let checks = 0;
    const proof: Step = {
      ...makeStep(host, { id: 'proof', requires: ['write'] }),
      isProof: true,
      check: async () => ({ status: 'ok', summary: 'it answers', evidence: [] }),
      verify: async () => {
        checks += 1;
        return { verified: true, evidence: [] };
      },
    };
    await run(host, playbookOf(makeStep(host), proof));
    expect(checks).toBe(1);
    expect((await run(host, playbookOf(makeStep(host), proof))).outcome).toBe('nothing-to-do');
    expect(checks).toBe(1);
  });

  it('takes a precaution before other work, and never alone', async () => {
    const host = makeHost();
    let taken = 0;
    const precaution: Step = {
      ...makeStep(host, { id: 'backup', finding: needed() }),
      isPrecaution: true,
      plan: () => [],
      apply: async () => {
        taken += 1;
      },
      verify: async () => ({ verified: true, evidence: ['kept'], warnings: ['it is on the same disk'] }),
    };
    const { steps } = await run(host, playbookOf(precaution, makeStep(host)));
    expect(steps[0]).toMatchObject({ result: 'done', evidence: ['kept'], warnings: ['it is on the same disk'] });
    expect((await run(host, playbookOf(precaution, makeStep(host)))).outcome).toBe('nothing-to-do');
    expect(taken).toBe(1);
  });

  it('refuses to run without a blocked precaution, except when there is nothing to do', async () => {
    const host = makeHost();
    const blocked: Step = { ...makeStep(host, { id: 'backup', finding: blockedFinding() }), isPrecaution: true };
    await expectCode(run(host, playbookOf(blocked, makeStep(host))), 'WORKFLOW_BLOCKED');
    expect(await text(host)).toBe('old');
    await run(host, playbookOf(blocked, makeStep(host)), { skip: ['backup'] });
    expect((await run(host, playbookOf(blocked, makeStep(host)))).outcome).toBe('nothing-to-do');
  });

  it('does not repeat a precaution when it is resumed', async () => {
    const host = makeHost();
    let taken = 0;
    const precaution: Step = {
      ...makeStep(host, { id: 'backup', finding: needed() }),
      isPrecaution: true,
      plan: () => [],
      apply: async () => {
        taken += 1;
      },
    };
    let seen = false;
    const verdict = async (): Promise<Verdict> =>
      seen ? { verified: true, evidence: [] } : { verified: false, reason: 'not yet' };
    const unseen = makeStep(host, { reversible: 'no', verdict });
    await expectCode(run(host, playbookOf(precaution, unseen)), 'NOT_VERIFIED');
    seen = true;
    expect((await run(host, playbookOf(precaution, unseen), { resume: true })).outcome).toBe('done');
    expect(taken).toBe(1);
  });

  it('writes nothing when the plan is stale', async () => {
    const host = makeHost();
    const raced = makeStep(host, {
      apply: async (changes, journal) => {
        await host.writeFile(FILE, Buffer.from('theirs'), { mode: 0o644 });
        await journal.perform(changes.map((change) => ({ change, material: Buffer.from('new') })));
      },
    });
    const error = await expectCode(run(host, playbookOf(raced)), 'APPLY_ROLLED_BACK');
    expect(error.cause).toMatchObject({ code: 'PLAN_STALE' });
    expect(await text(host)).toBe('theirs');
  });

  it('refuses a reviewed plan when the node has changed since', async () => {
    const host = makeHost();
    const playbook = playbookOf(makeStep(host));
    const input = { host: host.name, clock: clock, selection: {}, signal: new AbortController().signal };
    const expected = await planPlaybook(playbook, input);
    await host.writeFile(FILE, Buffer.from('other'), { mode: 0o644 });
    await expectCode(run(host, playbookOf(makeStep(host, { finding: needed() })), { expected }), 'PLAN_STALE');
    await host.writeFile(FILE, Buffer.from('old'), { mode: 0o644 });
    expect((await run(host, playbook, { expected })).outcome).toBe('done');
  });

  it('reuses a plan made just before, unless the host has runs', async () => {
    const host = makeHost();
    let checks = 0;
    const step = makeStep(host);
    const playbook = playbookOf({
      ...step,
      check: (signal) => {
        checks += 1;
        return step.check(signal);
      },
    });
    const input = { host: host.name, clock: clock, selection: {}, signal: new AbortController().signal };
    const planned = await planPlaybook(playbook, input);
    expect((await run(host, playbook, { planned })).outcome).toBe('done');
    expect(checks).toBe(2);
    expect((await run(host, playbook, { planned })).outcome).toBe('nothing-to-do');
  });

  it('accepts a reviewed plan when only a step without changes has moved', async () => {
    const host = makeHost();
    const gate: Step = {
      ...makeStep(host, { id: 'gate', finding: needed() }),
      plan: () => [],
      apply: async () => undefined,
    };
    const input = { host: host.name, clock: clock, selection: {}, signal: new AbortController().signal };
    const expected = await planPlaybook(playbookOf(gate, makeStep(host)), input);
    expect((await run(host, playbookOf(makeStep(host), gate), { expected })).outcome).toBe('done');
  });

  it('stops between two steps when interrupted, and continues when resumed', async () => {
    const host = makeHost();
    const abort = new AbortController();
    const first = makeStep(host, {
      verdict: async () => {
        abort.abort();
        return { verified: true, evidence: [] };
      },
    });
    let made = false;
    const second: Step = {
      ...makeStep(host, { id: 'second' }),
      check: async () => ({ ...needed(), status: made ? 'ok' : 'needed' }),
      plan: () => [],
      apply: async () => {
        made = true;
      },
    };
    const playbook = playbookOf(first, second);
    await expectCode(run(host, playbook, { signal: abort.signal }), 'INTERRUPTED');
    expect([await text(host), made]).toEqual(['new', false]);
    await run(host, playbook, { resume: true });
    expect(made).toBe(true);
  });

  it('stops when interrupted while a phase creates its steps', async () => {
    const host = makeHost();
    const abort = new AbortController();
    const first = makeStep(host);
    const loadSteps = async (signal: AbortSignal): Promise<readonly Step[]> => {
      if ((await text(host)) === 'new') abort.abort();
      signal.throwIfAborted();
      return [];
    };
    const { phases, ...demo } = playbookOf(first);
    const playbook = { ...demo, phases: [...phases, { id: 'later', title: 'later', steps: loadSteps }] };
    await expectCode(run(host, playbook, { signal: abort.signal }), 'INTERRUPTED');
    expect(await text(host)).toBe('new');
    expect((await run(host, playbook, { resume: true })).outcome).toBe('done');
  });

  it('rolls back the current step when interrupted in it', async () => {
    const host = makeHost();
    const abort = new AbortController();
    const step = makeStep(host, {
      apply: async (changes, journal) => {
        await journal.perform(changes.map((change) => ({ change, material: Buffer.from('new') })));
        abort.abort();
        abort.signal.throwIfAborted();
      },
    });
    await expectCode(run(host, playbookOf(step), { signal: abort.signal }), 'INTERRUPTED');
    expect(await text(host)).toBe('old');
  });

  it('is refused while another process holds the lock', async () => {
    const host = makeHost();
    await host.makeDirectory(hostPath('/var/lib/kube-rescue'), { mode: 0o700 });
    const lock = await host.acquireLock(hostPath('/var/lib/kube-rescue/lock'), 'run demo');
    await expectCode(run(host, playbookOf(makeStep(host))), 'HOST_LOCKED');
    await lock.release();
    expect((await run(host, playbookOf(makeStep(host)))).outcome).toBe('done');
  });

  it('skips steps, and refuses unknown names and selections without a required step', async () => {
    const host = makeHost();
    const dependent = makeStep(host, {
      id: 'pki/dependent',
      finding: needed(),
      requires: ['write'],
      apply: async () => undefined,
    });
    const playbook = playbookOf(makeStep(host), dependent);
    await expectCode(run(host, playbook, { only: ['nonsense'] }), 'WORKFLOW_STEP_UNKNOWN');
    await expectCode(run(host, playbook, { skip: ['write'] }), 'WORKFLOW_REQUIREMENT_SKIPPED');
    const result = await run(host, playbook, { skip: ['pki'] });
    expect(result.steps.map(({ result: state }) => state)).toEqual(['done', 'skipped']);
  });

  it('is not resumed by another playbook', async () => {
    const host = makeHost();
    const unseen = makeStep(host, { reversible: 'no', verdict: async () => ({ verified: false, reason: 'not yet' }) });
    await expectCode(run(host, playbookOf(unseen)), 'NOT_VERIFIED');
    await expectCode(run(host, { ...playbookOf(unseen), id: 'other' }, { resume: true }), 'RUN_UNFINISHED');
    expect(await text(host)).toBe('new');
  });

  it('reports when there is no run to resume', async () => {
    const host = makeHost();
    await expectCode(run(host, playbookOf(makeStep(host)), { resume: true }), 'RUN_NOT_FOUND');
  });
});

describe('a rollback', () => {
  it('names and does not restore a file changed by another process since', async () => {
    const host = makeHost();
    const { runId } = await run(host, playbookOf(makeStep(host)));
    await host.writeFile(FILE, Buffer.from('theirs'), { mode: 0o600 });
    const { notReverted } = await rollbackRun(runId ?? '', depsOf(host));
    expect(notReverted.map(({ reason }) => reason)).toEqual([
      `${FILE} was changed by another process since; not restored`,
    ]);
    expect(await text(host)).toBe('theirs');
  });

  it('restores a service after its files', async () => {
    const host = makeHost();
    const restart = makeStep(host, {
      id: 'restart',
      finding: needed(),
      apply: (_changes, journal) => journal.perform([{ change: { kind: 'service.restart', target: 'kubelet' } }]),
    });
    const { runId } = await run(host, playbookOf(restart, makeStep(host)));
    expect(await host.services.status('kubelet')).toBe('running');
    const fake = host as ReturnType<typeof createFakeHost>;
    const seen = fake.mutations.length;
    await rollbackRun(runId ?? '', depsOf(host));
    expect(await host.services.status('kubelet')).toBe('stopped');
    const order = fake.mutations.slice(seen).filter(({ target }) => !target.includes('/runs/'));
    expect(order.map(({ target }) => target)).toEqual(['/var/lib/kube-rescue', FILE, 'kubelet']);
  });

  it('reports what a step restarted, and nothing where it had no work', async () => {
    const host = makeHost();
    const restarts = ['etcd', 'the kubelet'];
    const restart = makeStep(host, { id: 'restart', finding: { ...needed(), restarts } });
    const idle = makeStep(host, { id: 'idle', finding: { status: 'ok', summary: 's', evidence: [], restarts } });
    const { steps } = await run(host, playbookOf(restart, idle));
    expect(steps.map(({ step, restarted }) => [step, restarted])).toEqual([
      ['restart', restarts],
      ['idle', undefined],
    ]);
  });

  it('stops no service that was starting or of unknown status', async () => {
    for (const was of ['starting', 'unknown'] as const) {
      const fake = createFakeHost({ tree: treeOf({ [FILE]: 'old' }), services: { kubelet: was } });
      const restart = makeStep(fake, {
        finding: needed(),
        apply: (_changes, journal) => journal.perform([{ change: { kind: 'service.restart', target: 'kubelet' } }]),
      });
      const { runId } = await run(fake, playbookOf(restart));
      await rollbackRun(runId ?? '', depsOf(fake));
      expect(await fake.services.status('kubelet'), was).toBe('running');
    }
  });

  it('does nothing the second time', async () => {
    const host = makeHost();
    const { runId } = await run(host, playbookOf(makeStep(host)));
    expect(await rollbackRun(runId ?? '', depsOf(host))).toMatchObject({ undone: 1, notReverted: [] });
    expect(await rollbackRun(runId ?? '', depsOf(host))).toEqual({ undone: 0, notReverted: [], replaced: [] });
  });

  it('reports an unknown run, even for a name that leads out of the directory', async () => {
    await expectCode(rollbackRun('../../etc', depsOf(makeHost())), 'RUN_NOT_FOUND');
  });

  it('refuses to restore damaged backup bytes', async () => {
    const host = makeHost();
    const { runId } = await run(host, playbookOf(makeStep(host)));
    const backup = joinPath(openRunStore(host).directory, runId ?? '', 'backup');
    const [name = ''] = (await host.list(backup)) ?? [];
    await host.writeFile(joinPath(backup, name), Buffer.from('rotten'), { mode: 0o600 });
    const { notReverted } = await rollbackRun(runId ?? '', depsOf(host));
    expect(notReverted[0]?.reason).toContain('JOURNAL_CORRUPT');
    expect(await text(host)).toBe('new');
  });
});

function needed(): Finding {
  return { status: 'needed', summary: 'to be done', evidence: [] };
}
