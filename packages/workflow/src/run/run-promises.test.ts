import { type Host, HostError, joinPath } from '@kube-rescue/host';
import { createFakeHost, expectCode, type FakeHost, SimulatedCrash, withFaults } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { A, B, demoDeps, demoHost, demoPlaybook, demoRun, demoStep, edit, textAt } from './demo-run.fixture.ts';
import { type Finding, rollbackRun, type RunInput, runPlaybook, type Step } from '../index.ts';

const NEEDED: Finding = { status: 'needed', summary: 'to be done', evidence: [] };
const NOTHING_TO_WRITE: Partial<Step> = { check: async () => NEEDED, plan: () => [], apply: async () => undefined };

async function texts(host: Host): Promise<readonly string[]> {
  return Promise.all([A, B].map((file) => textAt(host, file)));
}

async function onlyRun(host: Host): Promise<string> {
  const [run] = await demoDeps(host).store.list();
  return run?.id ?? 'none';
}

/** Killed during the second step, after the first of its two files was written. */
async function runUntilKilled(host: FakeHost, options: Partial<RunInput> = {}): Promise<void> {
  const faulty = withFaults(host, {});
  const crash = new SimulatedCrash({ operation: 'writeFile', target: B }, 0);
  let isKilled = false;
  const guarded: Host = {
    ...faulty,
    appendFile: (...input) => (isKilled ? Promise.reject(crash) : faulty.appendFile(...input)),
    remove: (...input) => (isKilled ? Promise.reject(crash) : faulty.remove(...input)),
    writeFile: async (file, ...rest) => {
      isKilled ||= file === B && (await textAt(host, A)) === 'newest';
      if (isKilled) throw crash;
      await faulty.writeFile(file, ...rest);
    },
  };
  const steps = [demoStep(guarded, 'one', { [A]: 'new' }), demoStep(guarded, 'two', { [A]: 'newest', [B]: 'new' })];
  // The first step accepts what the second writes to its file.
  await expect(demoRun(guarded, [acceptingNewest(host, steps[0]), steps[1] as Step], options)).rejects.toBe(crash);
  expect(await texts(host)).toEqual(['newest', 'old b']);
  // A kill releases the lock.
}

function acceptingNewest(host: Host, step: Step | undefined): Step {
  if (step === undefined) throw new Error('unreachable');
  const check: Step['check'] = async (signal) => {
    const isNewer = (await textAt(host, A)) === 'newest';
    return isNewer ? { ...NEEDED, status: 'ok' } : step.check(signal);
  };
  return { ...step, check };
}

describe('a unit of changes', () => {
  it('is refused as a whole when one of its files has changed since the plan', async () => {
    const host = demoHost();
    const raced = demoStep(
      host,
      'raced',
      {},
      {
        check: async () => NEEDED,
        plan: () => [],
        apply: async (_changes, journal) => {
          const edits = [await edit(host, A, 'ours'), await edit(host, B, 'ours')];
          await host.writeFile(B, Buffer.from('theirs'), { mode: 0o600 });
          await journal.perform(edits);
        },
      },
    );
    const error = await expectCode(demoRun(host, [raced]), 'APPLY_ROLLED_BACK');
    expect(error.cause).toMatchObject({ code: 'PLAN_STALE', subject: B });
    expect(await texts(host)).toEqual(['old a', 'theirs']);
    // Not written and rolled back: never begun.
    expect(host.mutations.filter(({ target }) => target === A)).toEqual([]);
    expect((await demoDeps(host).store.list()).flatMap(({ activeChanges }) => activeChanges)).toEqual([]);
  });

  it('has all undo records on disk before its first file is written', async () => {
    const host = demoHost();
    await demoRun(host, [demoStep(host, 'both', { [A]: 'new', [B]: 'new' })]);
    const paths = host.mutations.map(({ target }) => target);
    const [first, last] = [paths.indexOf(A), paths.indexOf(B)];
    expect(first).toBeGreaterThan(0);
    expect(paths.slice(first, last + 1)).toEqual([A, B]);
    const written = paths.slice(first - 2, first).map((path) => path.split('/').at(-1));
    expect(written, 'the journal and its end mark are what was written last').toEqual(['journal.jsonl', 'head.json']);
  });

  it('overwrites no file that another process wrote during the unit', async () => {
    const machine = demoHost();
    const host: Host = {
      ...machine,
      writeFile: async (path, data, options) => {
        await machine.writeFile(path, data, options);
        if (path === A && Buffer.from(data).toString() === 'ours') {
          await machine.writeFile(B, Buffer.from('theirs'), { mode: 0o600 });
        }
      },
    };
    const error = await expectCode(
      demoRun(host, [demoStep(host, 'both', { [A]: 'ours', [B]: 'ours' })]),
      'APPLY_ROLLED_BACK',
    );
    expect(error.message).toContain(`not overwritten: ${B}`);
    // The file of the other was never written by this run, so nothing keeps the rest of the unit from going back.
    expect((await demoDeps(machine).store.list()).flatMap(({ activeChanges }) => activeChanges)).toEqual([]);
    expect(await texts(machine)).toEqual(['old a', 'theirs']);
  });

  it('may contain a change twice: a file with the new bytes already is accepted', async () => {
    const host = demoHost();
    const apply: Step['apply'] = async (_changes, journal) => {
      const same = await edit(host, A, 'new');
      await journal.perform([same, same]);
    };
    const twice = demoStep(host, 'twice', {}, { check: async () => NEEDED, plan: () => [], apply });
    const { outcome, runId = '' } = await demoRun(host, [twice]);
    expect([outcome, await textAt(host, A)]).toEqual(['done', 'new']);
    await rollbackRun(runId, demoDeps(host));
    expect(await textAt(host, A)).toBe('old a');
  });

  it('is applied in the given order', async () => {
    const host = demoHost();
    await demoRun(host, [demoStep(host, 'both', { [B]: 'new', [A]: 'new' })]);
    const order = host.mutations.map(({ target }) => target).filter((target) => target === A || target === B);
    expect(order).toEqual([B, A]);
  });
});

describe('a run that was killed', () => {
  it('blocks any other run until it is resumed or rolled back', async () => {
    const host = demoHost();
    await runUntilKilled(host);
    const step = demoStep(host, 'other', { [B]: 'other' });
    await expectCode(demoRun(host, [step]), 'RUN_UNFINISHED');
    expect(step.calls).toEqual({ checks: 0, applies: 0, verifies: 0 });
    await rollbackRun(await onlyRun(host), demoDeps(host));
    expect((await demoRun(host, [step])).outcome).toBe('done');
  });

  it('is resumed with the command that every refusal names', async () => {
    const host = demoHost();
    await runUntilKilled(host, { resumeCommand: 'demo --resume' });
    const hint = `resume it (\`kube-rescue demo --resume\`) or roll it back (\`kube-rescue rollback ${await onlyRun(host)}\`)`;
    const other = { ...demoPlaybook(), id: 'other' };
    const resumeCommand = 'other --resume';
    const refused = demoRun(host, [], { playbook: other, resumeCommand });
    expect(await expectCode(refused, 'RUN_UNFINISHED')).toMatchObject({ hint });
    const mistaken = demoRun(host, [], { playbook: other, resumeCommand, resume: true });
    expect(await expectCode(mistaken, 'RUN_UNFINISHED')).toMatchObject({ hint });
  });

  it('can only be rolled back when no command resumes it', async () => {
    const host = demoHost();
    await runUntilKilled(host);
    const hint = `roll it back (\`kube-rescue rollback ${await onlyRun(host)}\`)`;
    expect(await expectCode(demoRun(host, []), 'RUN_UNFINISHED')).toMatchObject({ hint });
  });

  it('is resumed from the start of the interrupted step, and keeps earlier steps', async () => {
    const host = demoHost();
    await runUntilKilled(host);
    const one = demoStep(host, 'one', { [A]: 'new' });
    let seen: readonly string[] = [];
    const two = demoStep(host, 'two', { [A]: 'newest', [B]: 'new' });
    const looking: Step = {
      ...two,
      check: async (signal) => {
        if (seen.length === 0) seen = await texts(host);
        return two.check(signal);
      },
    };
    expect((await demoRun(host, [one, looking], { resume: true })).outcome).toBe('done');
    expect(seen).toEqual(['new', 'old b']);
    expect(one.calls).toMatchObject({ applies: 0, verifies: 0 });
    expect(await texts(host)).toEqual(['newest', 'new']);
  });

  it('is rolled back as a whole after a resume, even when one file was changed twice', async () => {
    const host = demoHost();
    await runUntilKilled(host);
    const steps = [
      acceptingNewest(host, demoStep(host, 'one', { [A]: 'new' })),
      demoStep(host, 'two', { [A]: 'newest', [B]: 'new' }),
    ];
    const { runId } = await demoRun(host, steps, { resume: true });
    expect((await rollbackRun(runId ?? '', demoDeps(host))).notReverted).toEqual([]);
    expect(await texts(host)).toEqual(['old a', 'old b']);
  });

  it('is unfinished again when it is killed during the resume', async () => {
    const host = demoHost();
    const unseen = demoStep(
      host,
      'unseen',
      { [A]: 'new' },
      {
        reversible: 'no',
        verify: async () => ({ verified: false, reason: 'not yet' }),
      },
    );
    await expectCode(demoRun(host, [unseen]), 'NOT_VERIFIED');
    const killed = demoStep(
      host,
      'unseen',
      { [A]: 'new' },
      {
        verify: async () => Promise.reject(new Error('the kill')),
      },
    );
    const failing: Host = { ...host, remove: () => Promise.reject(new Error('the kill')) };
    await expect(demoRun(failing, [killed], { resume: true })).rejects.toThrow('the kill');
    await expectCode(demoRun(host, [demoStep(host, 'other', { [B]: 'x' })]), 'RUN_UNFINISHED');
  });

  it('can be rolled back twice, even when it was killed while writing its journal', async () => {
    const host = demoHost();
    for (let failAt = 1; failAt < 30; failAt += 1) {
      const faulty = withFaults(host, { failAt, mode: 'torn' });
      const run = demoRun(faulty, [demoStep(faulty, 'both', { [A]: 'new', [B]: 'new' })]);
      await run.catch((error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash));
      for (const { id } of await demoDeps(host).store.list()) {
        await rollbackRun(id, demoDeps(host));
        expect(await rollbackRun(id, demoDeps(host))).toEqual({ undone: 0, notReverted: [], replaced: [] });
      }
      expect(await texts(host)).toEqual(['old a', 'old b']);
    }
  });

  it('does not repeat a precaution when it is resumed with work left', async () => {
    const host = demoHost();
    const precaution = demoStep(host, 'backup', {}, { isPrecaution: true, check: async () => NEEDED, plan: () => [] });
    const abort = new AbortController();
    const one = demoStep(
      host,
      'one',
      { [A]: 'new' },
      {
        verify: async () => {
          abort.abort();
          return { verified: true, evidence: [] };
        },
      },
    );
    const steps = [precaution, one, demoStep(host, 'two', { [B]: 'new' })];
    await expectCode(demoRun(host, steps, { signal: abort.signal }), 'INTERRUPTED');
    await demoRun(host, steps, { resume: true });
    expect(precaution.calls.applies).toBe(1);
    expect(await texts(host)).toEqual(['new', 'new']);
  });
});

describe('the directory of a run', () => {
  it('is readable by root only: directories 0700, files 0600', async () => {
    const host = demoHost();
    const { runId = '' } = await demoRun(host, [demoStep(host, 'both', { [A]: 'new', [B]: 'new' })]);
    const directory = joinPath(demoDeps(host).store.directory, runId);
    const backup = joinPath(directory, 'backup');
    const kept = ((await host.list(backup)) ?? []).map((name) => joinPath(backup, name));
    expect(kept).toHaveLength(2);
    const modeOf = async (path: typeof A): Promise<number | undefined> => (await host.stat(path))?.mode;
    for (const path of [directory, backup]) expect(await modeOf(path)).toBe(0o700);
    const files = ['journal.jsonl', 'head.json'].map((name) => joinPath(directory, name));
    for (const path of [...files, ...kept]) expect(await modeOf(path)).toBe(0o600);
  });

  it('reserves disk space during the run, and frees it before a rollback', async () => {
    const host = demoHost();
    let during: number | undefined;
    const fails = demoStep(
      host,
      'fails',
      { [B]: 'new' },
      {
        verify: async () => {
          const reserve = joinPath(demoDeps(host).store.directory, await onlyRun(host), 'reserve');
          during = (await host.stat(reserve))?.size;
          return { verified: false, reason: 'no effect' };
        },
      },
    );
    await expectCode(demoRun(host, [fails]), 'APPLY_ROLLED_BACK');
    expect(during).toBe(1024 * 1024);
    const targets = host.mutations.map(({ operation, target }) => `${operation} ${target}`);
    const released = targets.findIndex((each) => each.startsWith('remove') && each.endsWith('/reserve'));
    expect(released).toBeGreaterThan(0);
    expect(released).toBeLessThan(targets.lastIndexOf(`writeFile ${B}`));
  });

  it('has no reserved disk space after the run', async () => {
    const host = demoHost();
    const { runId = '' } = await demoRun(host, [demoStep(host, 'one', { [A]: 'new' })]);
    expect(await host.list(joinPath(demoDeps(host).store.directory, runId))).toEqual([
      'backup',
      'head.json',
      'journal.jsonl',
    ]);
  });
});

describe('a run does not begin', () => {
  const refusal = (subject: string): HostError =>
    new HostError({ code: 'HOST_READ_ONLY', message: 'read-only', subject, hint: 'remount it' });

  it.each(['/etc/demo', '/var/lib/kube-rescue/runs'])('when %s is read-only', async (directory) => {
    const host = demoHost();
    const readOnly: Host = {
      ...host,
      assertWritable: (path) => (path === directory ? Promise.reject(refusal(path)) : Promise.resolve()),
    };
    await expectCode(demoRun(readOnly, [demoStep(readOnly, 'one', { [A]: 'new' })]), 'HOST_READ_ONLY');
    expect(await host.list(demoDeps(host).store.directory)).toBeUndefined();
  });

  it('when the disk is full', async () => {
    const host = createFakeHost({ freeBytes: 1000 });
    const step = demoStep(host, 'one', {}, NOTHING_TO_WRITE);
    await expectCode(demoRun(host, [step]), 'HOST_NO_SPACE');
    expect(await host.list(demoDeps(host).store.directory)).toBeUndefined();
  });
});

describe('a rollback', () => {
  it('restores every other file when one cannot be restored', async () => {
    const host = demoHost();
    const steps = [demoStep(host, 'one', { [A]: 'new' }), demoStep(host, 'two', { [B]: 'new' })];
    const { runId = '' } = await demoRun(host, steps);
    const backup = joinPath(demoDeps(host).store.directory, runId, 'backup');
    for (const name of (await host.list(backup)) ?? []) {
      if ((await textAt(host, joinPath(backup, name))) === 'old b') await host.remove(joinPath(backup, name));
    }
    const { undone, notReverted } = await rollbackRun(runId, demoDeps(host));
    expect({ undone, left: notReverted.map(({ change }) => change.target) }).toEqual({ undone: 1, left: [B] });
    expect(await texts(host)).toEqual(['old a', 'new']);
    expect((await demoDeps(host).store.list()).map(({ outcome }) => outcome)).toEqual(['rollback-incomplete']);
  });

  it('names a file changed by another process every time', async () => {
    const host = demoHost();
    const { runId = '' } = await demoRun(host, [demoStep(host, 'one', { [A]: 'new' })]);
    await host.writeFile(A, Buffer.from('theirs'), { mode: 0o600 });
    for (let time = 0; time < 2; time += 1) {
      expect((await rollbackRun(runId, demoDeps(host))).notReverted).toHaveLength(1);
    }
    expect(await textAt(host, A)).toBe('theirs');
  });

  it('of a failed run is incomplete when another process has written', async () => {
    const host = demoHost();
    const step = demoStep(
      host,
      'one',
      { [A]: 'new' },
      {
        verify: async () => {
          await host.writeFile(A, Buffer.from('theirs'), { mode: 0o600 });
          return { verified: false, reason: 'no effect' };
        },
      },
    );
    const error = await expectCode(demoRun(host, [step]), 'ROLLBACK_INCOMPLETE');
    expect(error.message).toContain('changed by another process');
    expect(await textAt(host, A)).toBe('theirs');
  });

  it('covers only the current step when the operator interrupts the run', async () => {
    const host = demoHost();
    const abort = new AbortController();
    const stopped = demoStep(
      host,
      'two',
      {},
      {
        check: async () => NEEDED,
        plan: () => [],
        apply: async (_changes, journal) => {
          await journal.perform([await edit(host, B, 'new')]);
          abort.abort();
          abort.signal.throwIfAborted();
        },
      },
    );
    const steps = [demoStep(host, 'one', { [A]: 'new' }), stopped];
    await expectCode(demoRun(host, steps, { signal: abort.signal }), 'INTERRUPTED');
    expect(await texts(host)).toEqual(['new', 'old b']);
  });

  it('restores owners of files and links', async () => {
    const host = demoHost();
    await host.writeFile(A, Buffer.from('old a'), { mode: 0o640, owner: { uid: 232, gid: 233 } });
    await host.remove(B);
    await host.writeLink(B, 'a', { owner: { uid: 7, gid: 8 } });
    const { runId = '' } = await demoRun(host, [
      demoStep(
        host,
        'both',
        {},
        {
          check: async () => NEEDED,
          apply: async (_changes, journal) => {
            await journal.perform([await edit(host, A, 'new'), await edit(host, B, 'new')]);
          },
        },
      ),
    ]);
    expect(await host.stat(A)).toMatchObject({ uid: 0, gid: 0 });
    await rollbackRun(runId, demoDeps(host));
    expect(await host.stat(A)).toMatchObject({ kind: 'file', mode: 0o640, uid: 232, gid: 233 });
    expect(await host.stat(B)).toMatchObject({ kind: 'symlink', uid: 7, gid: 8 });
  });

  it('changes nothing without the identity of an encrypted backup', async () => {
    const host = demoHost();
    const flip = async (data: Uint8Array): Promise<Uint8Array> => data.map((byte) => byte ^ 0xff);
    const playbook = demoPlaybook(demoStep(host, 'one', { [A]: 'new' }));
    const { signal } = new AbortController();
    const input = { playbook, selection: {}, confirm: async () => true, signal };
    const { runId = '' } = await runPlaybook(input, demoDeps(host, { seal: flip }));
    await expectCode(rollbackRun(runId, demoDeps(host)), 'BACKUP_SEALED');
    expect(await textAt(host, A)).toBe('new');
    expect((await rollbackRun(runId, demoDeps(host, { unseal: flip, sealMore: flip }))).notReverted).toEqual([]);
    expect(await textAt(host, A)).toBe('old a');
  });
});
