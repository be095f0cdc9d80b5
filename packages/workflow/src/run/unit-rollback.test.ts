import { type Host, HostError, hostPath, joinPath } from '@kube-rescue/host';
import { createFakeHost, type FakeHost, SimulatedCrash, treeOf, withFaults } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { openRunStore, rollbackRun, type Step } from '../index.ts';
import { demoDeps, demoRun, demoStep, edit, textAt } from './demo-run.fixture.ts';

const KEY = hostPath('/etc/demo/server.key');
const CERTIFICATE = hostPath('/etc/demo/server.crt');
const OTHER = hostPath('/etc/demo/other');
const MANIFEST = hostPath('/etc/demo/manifests/web.yaml');
const FILES = [KEY, CERTIFICATE, OTHER] as const;

const makeHost = (): FakeHost =>
  createFakeHost({ tree: treeOf({ [KEY]: 'old key', [CERTIFICATE]: 'old certificate', [OTHER]: 'old' }) });
const pairStep = (host: Host, parts: Partial<Step> = {}): Step =>
  demoStep(host, 'pair', { [KEY]: 'new key', [CERTIFICATE]: 'new certificate' }, parts);
const otherStep = (host: Host): Step => demoStep(host, 'other', { [OTHER]: 'new' });
const texts = (host: Host): Promise<readonly string[]> => Promise.all(FILES.map((file) => textAt(host, file)));
const write = (host: Host, file: typeof KEY, text: string): Promise<void> =>
  host.writeFile(file, Buffer.from(text), { mode: 0o600 });

async function runPair(host: Host, steps?: readonly Step[]): Promise<string> {
  return (await demoRun(host, steps ?? [pairStep(host), otherStep(host)])).runId ?? '';
}

/** The host, where `meddle` acts right before the first write of `file`. */
function meddling(host: FakeHost, file: string, meddle: () => Promise<void>): Host {
  let isFirst = true;
  return {
    ...host,
    writeFile: async (path, data, options) => {
      if (path === file && isFirst) {
        isFirst = false;
        await meddle();
      }
      await host.writeFile(path, data, options);
    },
  };
}

describe('a file of a watched directory', () => {
  it('goes back after all other files, which the watcher may read as soon as it is there', async () => {
    const host = createFakeHost({ tree: treeOf({ [OTHER]: 'old', [KEY]: 'old key', [MANIFEST]: 'old manifest' }) });
    const manifestStep = demoStep(
      host,
      'manifest',
      {},
      {
        check: async () => ({ status: 'needed', summary: 'manifest', evidence: [] }),
        apply: async (_changes, journal) => {
          const { change, material } = await edit(host, MANIFEST, 'new manifest');
          await journal.perform([{ change: { ...change, watched: true }, material }]);
        },
      },
    );
    const steps = [demoStep(host, 'key', { [KEY]: 'new key' }), manifestStep, otherStep(host)];
    const { runId } = await demoRun(host, steps);
    const before = host.mutations.length;
    expect(await rollbackRun(runId ?? '', demoDeps(host))).toMatchObject({ notReverted: [] });
    const written = host.mutations.slice(before).map(({ target }) => target);
    expect(written.filter((target) => [OTHER, KEY, MANIFEST].includes(hostPath(target)))).toEqual([
      OTHER,
      KEY,
      MANIFEST,
    ]);
    expect(await textAt(host, MANIFEST)).toBe('old manifest');
  });
});

describe('a unit of files', () => {
  it.each([
    ['the certificate was signed again', CERTIFICATE, ['new key', 'theirs', 'old']],
    ['the key was replaced', KEY, ['theirs', 'new certificate', 'old']],
  ])('is left as a whole when %s since, and other units go back', async (_what, file, left) => {
    const host = makeHost();
    const id = await runPair(host);
    await write(host, file, 'theirs');
    const before = host.mutations.length;
    const { undone, notReverted } = await rollbackRun(id, demoDeps(host));
    expect(await texts(host)).toEqual(left);
    // Not even for an instant.
    expect(host.mutations.slice(before).filter(({ target }) => target === KEY || target === CERTIFICATE)).toEqual([]);
    expect(undone).toBe(1);
    expect(notReverted.map(({ change }) => change.target).toSorted()).toEqual([CERTIFICATE, KEY]);
    const own = notReverted.find(({ change }) => change.target === file);
    const held = notReverted.find(({ change }) => change.target !== file);
    expect(own?.reason).toContain('changed by another process since');
    expect(held?.reason).toContain(`belongs to ${file}`);
    for (const { change, old = hostPath('/none') } of notReverted) {
      expect(await textAt(host, old)).toBe(change.target === KEY ? 'old key' : 'old certificate');
    }
  });

  it('is left as a whole when one of its files was removed since', async () => {
    const host = makeHost();
    const id = await runPair(host);
    await host.remove(CERTIFICATE);
    expect((await rollbackRun(id, demoDeps(host))).notReverted).toHaveLength(2);
    expect(await texts(host)).toEqual(['new key', '', 'old']);
  });

  it('goes back when only modes were changed since, or a part is back already', async () => {
    const host = makeHost();
    const id = await runPair(host);
    await host.writeFile(CERTIFICATE, Buffer.from('new certificate'), { mode: 0o640 });
    await host.writeFile(KEY, Buffer.from('old key'), { mode: 0o644 });
    expect((await rollbackRun(id, demoDeps(host))).notReverted).toEqual([]);
    expect(await texts(host)).toEqual(['old key', 'old certificate', 'old']);
    expect((await host.stat(CERTIFICATE))?.mode).toBe(0o644);
  });

  it('goes back once the other process has restored what the run wrote', async () => {
    const host = makeHost();
    const id = await runPair(host);
    await write(host, CERTIFICATE, 'theirs');
    await rollbackRun(id, demoDeps(host));
    await write(host, CERTIFICATE, 'new certificate');
    expect((await rollbackRun(id, demoDeps(host))).notReverted).toEqual([]);
    expect(await texts(host)).toEqual(['old key', 'old certificate', 'old']);
  });

  it('is left as a whole when the old bytes of one file are lost', async () => {
    const host = makeHost();
    const id = await runPair(host);
    const backup = joinPath(demoDeps(host).store.directory, id, 'backup');
    for (const name of (await host.list(backup)) ?? []) {
      if ((await textAt(host, joinPath(backup, name))) === 'old certificate') await host.remove(joinPath(backup, name));
    }
    const { notReverted } = await rollbackRun(id, demoDeps(host));
    expect(notReverted).toHaveLength(2);
    expect(await texts(host)).toEqual(['new key', 'new certificate', 'old']);
  });

  it('is left as a whole when another process writes during the rollback, after the preview', async () => {
    const host = makeHost();
    const id = await runPair(host, [pairStep(host)]);
    // The newest change, the certificate, is undone first; then another process replaces the key.
    const meddled = meddling(host, KEY, () => write(host, KEY, 'theirs'));
    const { undone, notReverted } = await rollbackRun(id, demoDeps(meddled));
    expect(await texts(host)).toEqual(['theirs', 'new certificate', 'old']);
    expect([undone, notReverted.length]).toEqual([0, 2]);
    expect((await demoDeps(host).store.list())[0]?.activeChanges).toHaveLength(2);
  });

  it('goes forward again when one of its undos fails, and back when it is repeated', async () => {
    const host = makeHost();
    const id = await runPair(host, [pairStep(host)]);
    const broken = meddling(host, KEY, async () => {
      throw new HostError({ code: 'HOST_IO', message: 'EIO', subject: KEY, hint: 'see dmesg' });
    });
    expect((await rollbackRun(id, demoDeps(broken))).notReverted).toHaveLength(2);
    expect(await texts(host)).toEqual(['new key', 'new certificate', 'old']);
    expect((await rollbackRun(id, demoDeps(host))).notReverted).toEqual([]);
    expect(await texts(host)).toEqual(['old key', 'old certificate', 'old']);
  });

  it('is one although its files were written by several steps, by the names of a pair or by a name of their own', async () => {
    for (const [unit, other] of [
      [undefined, CERTIFICATE],
      ['everything', OTHER],
    ] as const) {
      const host = makeHost();
      const steps = [
        demoStep(host, 'one', { [KEY]: 'new key' }, { unit }),
        demoStep(host, 'two', { [other]: 'new' }, { unit }),
      ];
      const id = await runPair(host, steps);
      await write(host, other, 'theirs');
      expect((await rollbackRun(id, demoDeps(host))).notReverted).toHaveLength(2);
      expect(await textAt(host, KEY)).toBe('new key');
    }
  });

  it('is the step in a journal of version 1, which names no units', async () => {
    const host = makeHost();
    const files = { [KEY]: 'new key', [OTHER]: 'new' };
    const id = await runPair(host, [demoStep(host, 'one', files)]);
    const store = openRunStore(host);
    const run = await store.open(id);
    const intents = (await run.records()).flatMap((record) => (record.type === 'intent' ? [record] : []));
    expect(new Set(intents.map(({ unit }) => unit)).size).toBe(1);
    const { groupUnits } = await import('./units.ts');
    const without = intents.map(({ unit: _unit, ...rest }) => rest);
    expect(groupUnits(without).map((unit) => unit.length)).toEqual([2]);
    const elsewhere = without.map((intent, seq) => ({ ...intent, seq, step: `step ${seq}` }));
    expect(groupUnits(elsewhere).map((unit) => unit.length)).toEqual([1, 1]);
  });

  it('holds back no other unit of the same step', async () => {
    const host = makeHost();
    const twice = demoStep(
      host,
      'twice',
      {},
      {
        check: async () => ({ status: 'needed', summary: 'to be done', evidence: [] }),
        plan: () => [],
        apply: async (_changes, journal) => {
          await journal.perform([await edit(host, KEY, 'new key'), await edit(host, CERTIFICATE, 'new certificate')]);
          await journal.perform([await edit(host, OTHER, 'new')]);
        },
      },
    );
    const id = await runPair(host, [twice]);
    await write(host, KEY, 'theirs');
    await rollbackRun(id, demoDeps(host));
    expect(await texts(host)).toEqual(['theirs', 'new certificate', 'old']);
  });

  it('with a file changed twice goes back to the oldest state, or stays whole', async () => {
    for (const isMeddled of [false, true]) {
      const host = makeHost();
      const steps = [pairStep(host), demoStep(host, 'again', { [CERTIFICATE]: 'newest' })];
      const id = await runPair(host, [
        { ...pairStep(host), verify: async () => ({ verified: true, evidence: [] }) },
        ...steps.slice(1),
      ]);
      const meddled = isMeddled ? meddling(host, KEY, () => write(host, KEY, 'theirs')) : host;
      const { notReverted } = await rollbackRun(id, demoDeps(meddled));
      expect(notReverted).toHaveLength(isMeddled ? 3 : 0);
      expect((await texts(host)).slice(0, 2)).toEqual(
        isMeddled ? ['theirs', 'newest'] : ['old key', 'old certificate'],
      );
    }
  });
});

describe('the bytes that a rollback replaces', () => {
  it('are kept and named, in the journal before the first file goes back', async () => {
    const host = makeHost();
    const id = await runPair(host, [pairStep(host)]);
    const before = host.mutations.length;
    const { replaced } = await rollbackRun(id, demoDeps(host));
    expect(replaced.map(({ target }) => target)).toEqual([CERTIFICATE, KEY]);
    expect(await Promise.all(replaced.map(({ kept }) => textAt(host, kept)))).toEqual(['new certificate', 'new key']);
    const targets = host.mutations.slice(before).map(({ target }) => target);
    const firstUndo = targets.findIndex((target) => target === KEY || target === CERTIFICATE);
    expect(targets.slice(0, firstUndo).filter((target) => target.endsWith('journal.jsonl')).length).toBeGreaterThan(0);
    const records = await (await demoDeps(host).store.open(id)).records();
    const named = records.flatMap((record) => (record.type === 'replaced' ? [record.kept] : []));
    expect(named.toSorted()).toEqual(replaced.map(({ kept }) => kept.slice(kept.lastIndexOf('/') + 1)).toSorted());
  });

  it('are not replaced when they cannot be kept', async () => {
    const host = makeHost();
    const id = await runPair(host, [pairStep(host)]);
    const full: Host = {
      ...host,
      writeFile: async (path, data, options) => {
        if (!path.includes('/backup/')) return host.writeFile(path, data, options);
        throw new HostError({ code: 'HOST_NO_SPACE', message: 'full', subject: path, hint: 'free some space' });
      },
    };
    expect((await rollbackRun(id, demoDeps(full))).notReverted).toHaveLength(2);
    expect((await texts(host)).slice(0, 2)).toEqual(['new key', 'new certificate']);
  });

  it('do not keep a failing run on a full disk from undoing its own changes', async () => {
    const host = makeHost();
    let isFull = false;
    const full: Host = {
      ...host,
      writeFile: async (path, data, options) => {
        if (!isFull || !path.includes('/backup/')) return host.writeFile(path, data, options);
        throw new HostError({ code: 'HOST_NO_SPACE', message: 'full', subject: path, hint: 'free some space' });
      },
    };
    const verify: Step['verify'] = async () => {
      isFull = true;
      return { verified: false, reason: 'no effect' };
    };
    await expect(demoRun(full, [pairStep(full, { verify })])).rejects.toMatchObject({ code: 'APPLY_ROLLED_BACK' });
    expect((await texts(host)).slice(0, 2)).toEqual(['old key', 'old certificate']);
  });

  it('are encrypted in an encrypted backup, and without the identity nothing is replaced', async () => {
    const host = makeHost();
    const flip = async (data: Uint8Array): Promise<Uint8Array> => data.map((byte) => byte ^ 0xff);
    const steps = [pairStep(host)];
    const sealed = demoDeps(host, { seal: flip });
    const { runPlaybook } = await import('../index.ts');
    const { demoPlaybook } = await import('./demo-run.fixture.ts');
    const input = { selection: {}, confirm: async () => true, signal: new AbortController().signal };
    const { runId = '' } = await runPlaybook({ ...input, playbook: demoPlaybook(...steps) }, sealed);
    const { replaced } = await rollbackRun(runId, demoDeps(host, { unseal: flip, sealMore: flip }));
    expect(replaced.map(({ kept }) => kept.endsWith('.sealed'))).toEqual([true, true]);
    const backup = joinPath(demoDeps(host).store.directory, runId, 'backup');
    for (const name of (await host.list(backup)) ?? []) {
      expect(await textAt(host, joinPath(backup, name))).not.toMatch(/key|certificate/);
    }
  });
});

describe('a rollback that was killed', () => {
  it('at any of its writes is repeated with the same end', async () => {
    const makeRun = async (): Promise<{ host: FakeHost; id: string }> => {
      const host = makeHost();
      return { host, id: await runPair(host) };
    };
    const { host: counted, id } = await makeRun();
    const counting = withFaults(counted);
    await rollbackRun(id, demoDeps(counting));
    expect(counting.mutationCount).toBeGreaterThan(5);
    for (const mode of ['killed-before', 'torn', 'staged'] as const) {
      for (let failAt = 1; failAt <= counting.mutationCount; failAt += 1) {
        const { host, id: run } = await makeRun();
        await rollbackRun(run, demoDeps(withFaults(host, { failAt, mode }))).catch((error: unknown) =>
          expect(error).toBeInstanceOf(SimulatedCrash),
        );
        const { notReverted } = await rollbackRun(run, demoDeps(host));
        expect(notReverted, `${mode} at ${failAt}`).toEqual([]);
        expect(await texts(host)).toEqual(['old key', 'old certificate', 'old']);
      }
    }
  });
});
