import { createLocalHost, type Host, type HostPath, hostPath } from '@kube-rescue/host';
import { expectCode } from '@kube-rescue/testing';
import {
  appendFile,
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { A, B, demoDeps, demoPlaybook, demoRun, demoStep, textAt } from '../run/demo-run.fixture.ts';
import {
  type ChangeKind,
  createChangeRegistry,
  type JournalRecord,
  openRunStore,
  rollbackRun,
  runPlaybook,
  sha256,
  type WorkflowDeps,
} from '../index.ts';

const AT = '2026-11-22T12:00:00Z';
const RUNS = hostPath('/var/lib/kube-rescue/runs');

let root: string;
let host: Host;
const real = (file: string): string => path.join(root, file);

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'kube-rescue-journal-'));
  host = createLocalHost({ root: hostPath(root) });
  await host.makeDirectory(hostPath('/etc/demo'), { mode: 0o755 });
  await host.writeFile(A, Buffer.from('old a'), { mode: 0o600 });
  await host.writeFile(B, Buffer.from('old b'), { mode: 0o600 });
});

afterEach(() => rm(root, { recursive: true }));

/** A finished run over two files, as two units. */
async function makeRun(a = 'new a', b = 'new b'): Promise<{ readonly id: string; readonly directory: string }> {
  const { runId = '' } = await demoRun(host, [demoStep(host, 'one', { [A]: a }), demoStep(host, 'two', { [B]: b })]);
  return { id: runId, directory: real(`${RUNS}/${runId}`) };
}

const texts = async (): Promise<readonly string[]> => Promise.all([A, B].map((file) => textAt(host, file)));
const journalOf = (directory: string): string => path.join(directory, 'journal.jsonl');

async function linesOf(directory: string): Promise<readonly string[]> {
  return (await readFile(journalOf(directory), 'utf8')).split('\n').slice(0, -1);
}

async function writeLines(directory: string, lines: readonly string[]): Promise<void> {
  await writeFile(journalOf(directory), lines.map((line) => `${line}\n`).join(''));
}

/** The same run as version 1 wrote it: no chain, no end mark. */
async function toVersion1(directory: string): Promise<readonly string[]> {
  const lines = (await linesOf(directory)).map((line) => {
    const {
      n: _n,
      prev: _prev,
      number: _number,
      root: _root,
      seal: _seal,
      ...record
    } = JSON.parse(line) as Record<string, unknown>;
    return JSON.stringify(record['type'] === 'run' ? { ...record, version: 1 } : record);
  });
  await writeLines(directory, lines);
  await rm(path.join(directory, 'head.json'));
  return lines;
}

async function expectRefused(id: string, code: 'JOURNAL_LOST' | 'JOURNAL_CORRUPT' | 'JOURNAL_NEWER'): Promise<void> {
  const before = await texts();
  await expectCode(rollbackRun(id, demoDeps(host)), code);
  expect(await texts()).toEqual(before);
}

describe('a run whose journal is damaged is not rolled back', () => {
  it('when the journal is missing or empty', async () => {
    const { id, directory } = await makeRun();
    await rm(journalOf(directory));
    await expectRefused(id, 'JOURNAL_LOST');
    await writeFile(journalOf(directory), '');
    await expectRefused(id, 'JOURNAL_LOST');
    await rm(path.join(directory, 'head.json'));
    await expectRefused(id, 'JOURNAL_LOST');
  });

  it('when it is shortened, at every line end and in the middle of every line', async () => {
    const { id, directory } = await makeRun();
    const lines = await linesOf(directory);
    const whole = await readFile(journalOf(directory));
    let end = whole.length;
    for (const line of lines.toReversed()) {
      for (const length of [end - 1, end - Math.ceil(line.length / 2), end - line.length - 1]) {
        await writeFile(journalOf(directory), whole.subarray(0, length));
        await expectRefused(id, 'JOURNAL_LOST');
      }
      end -= line.length + 1;
    }
    expect(end).toBe(0);
  });

  it('when any line is lost, repeated or moved', async () => {
    const { id, directory } = await makeRun();
    const lines = await linesOf(directory);
    for (const [index, line] of lines.entries()) {
      await writeLines(directory, lines.toSpliced(index, 1));
      await expectRefused(id, 'JOURNAL_LOST');
      await writeLines(directory, lines.toSpliced(index, 0, line));
      await expectRefused(id, 'JOURNAL_CORRUPT');
    }
  });

  it('when one character of it was edited, in the last line as well', async () => {
    const { id, directory } = await makeRun();
    const lines = await linesOf(directory);
    for (const [index, line] of lines.entries()) {
      const middle = Math.floor(line.length / 2);
      const other = line[middle] === '0' ? '1' : '0';
      await writeLines(directory, lines.with(index, line.slice(0, middle) + other + line.slice(middle + 1)));
      await expectRefused(id, 'JOURNAL_CORRUPT');
    }
  });

  it('when its end mark is missing, damaged or of another run', async () => {
    const { id, directory } = await makeRun();
    const other = await makeRun('newer a', 'newer b');
    const mark = path.join(directory, 'head.json');
    await cp(path.join(other.directory, 'head.json'), mark);
    await expectRefused(id, 'JOURNAL_CORRUPT');
    await writeFile(mark, '{"records":');
    await expectRefused(id, 'JOURNAL_CORRUPT');
    await rm(mark);
    await expectRefused(id, 'JOURNAL_LOST');
  });

  it('when its end mark is missing and its changes had no old bytes to keep', async () => {
    const created = hostPath('/etc/demo/created');
    const { runId = '' } = await demoRun(host, [demoStep(host, 'one', { [created]: 'new' })]);
    expect(await readdir(real(`${RUNS}/${runId}/backup`))).toEqual([]);
    await rm(real(`${RUNS}/${runId}/head.json`));
    await expectCode(rollbackRun(runId, demoDeps(host)), 'JOURNAL_LOST');
    expect(await textAt(host, created)).toBe('new');
  });

  it('and is listed with its reason beside the other runs', async () => {
    const lost = await makeRun();
    const good = await makeRun('newer a', 'newer b');
    await rm(journalOf(lost.directory));
    const entries = await openRunStore(host).survey();
    expect(entries.map(({ id, damage }) => [id, damage?.error.code, damage?.mayBeIncomplete])).toEqual([
      [lost.id, 'JOURNAL_LOST', true],
      [good.id, undefined, undefined],
    ]);
    expect((await openRunStore(host).list()).map(({ id }) => id)).toEqual([good.id]);
    expect((await rollbackRun(good.id, demoDeps(host))).undone).toBe(2);
  });

  it('and blocks new runs only while its changes may be incomplete', async () => {
    const { directory } = await makeRun();
    const lines = await linesOf(directory);
    await writeLines(directory, lines.toSpliced(3, 1));
    expect((await demoRun(host, [demoStep(host, 'next', { [A]: 'next' })])).outcome).toBe('done');
    await writeLines(directory, lines.slice(0, -1));
    for (const resume of [false, true]) {
      await expectCode(demoRun(host, [demoStep(host, 'next', { [A]: 'last' })], { resume }), 'JOURNAL_LOST');
    }
    expect(await textAt(host, A)).toBe('next');
  });
});

describe('a run that was killed before it began', () => {
  it('is not listed, and blocks nothing', async () => {
    const store = openRunStore(host);
    const { path: directory } = await store.create({ playbook: 'demo', at: new Date(AT) });
    await rm(journalOf(real(directory)));
    expect(await store.survey()).toEqual([]);
    await rm(real(`${directory}/head.json`));
    await writeFile(journalOf(real(directory)), '{"type":"run","ver');
    expect(await store.survey()).toEqual([]);
    await makeRun();
  });
});

describe('a journal of version 1', () => {
  it('is rolled back, and continued with a chain', async () => {
    const { id, directory } = await makeRun();
    const lines = await toVersion1(directory);
    expect(await rollbackRun(id, demoDeps(host))).toMatchObject({ undone: 2, notReverted: [] });
    expect(await texts()).toEqual(['old a', 'old b']);
    const later = await linesOf(directory);
    expect(later.slice(0, lines.length)).toEqual(lines);
    expect(later.length).toBeGreaterThan(lines.length);
    await writeLines(directory, later.slice(0, -1));
    await expectRefused(id, 'JOURNAL_LOST');
  });

  it('is resumed when it was interrupted', async () => {
    const { id, directory } = await makeRun();
    const lines = await toVersion1(directory);
    // Killed in the second step.
    const upTo = lines.findIndex((line) => line.includes('"type":"applied","step":"two"'));
    await writeLines(directory, lines.slice(0, upTo));
    const steps = [demoStep(host, 'one', { [A]: 'new a' }), demoStep(host, 'two', { [B]: 'new b' })];
    expect(await demoRun(host, steps, { resume: true })).toMatchObject({ runId: id, outcome: 'done' });
    expect(await texts()).toEqual(['new a', 'new b']);
    expect((await rollbackRun(id, demoDeps(host))).notReverted).toEqual([]);
    expect(await texts()).toEqual(['old a', 'old b']);
  });

  it('is not rolled back when the journal or any undo record of it is lost', async () => {
    const { id, directory } = await makeRun();
    const lines = await toVersion1(directory);
    for (const [index, line] of lines.entries()) {
      if (!line.includes('"type":"intent"')) continue;
      await writeLines(directory, lines.toSpliced(index, 1));
      await expectRefused(id, 'JOURNAL_LOST');
      await writeLines(directory, lines.slice(0, index));
      await expectRefused(id, 'JOURNAL_LOST');
      await writeLines(directory, lines.toSpliced(index, 0, line));
      await expectRefused(id, 'JOURNAL_CORRUPT');
    }
    await writeLines(directory, lines.slice(1));
    await expectRefused(id, 'JOURNAL_LOST');
    await rm(journalOf(directory));
    await expectRefused(id, 'JOURNAL_LOST');
  });

  it('can be rolled back again after the rollback was killed while it kept what it replaces', async () => {
    const { id, directory } = await makeRun();
    const change = { kind: 'demo.object', target: 'x' };
    const intent: JournalRecord = { type: 'intent', seq: 2, step: 'two', change, captured: null };
    await (await openRunStore(host).open(id)).append(intent);
    await toVersion1(directory);
    const kind: ChangeKind = {
      kind: 'demo.object',
      undoOrder: 'reverse',
      describe: ({ target }) => target,
      preflight: async () => undefined,
      staleness: async () => undefined,
      capture: async () => null,
      apply: async () => undefined,
      previewUndo: async (_change, _captured, backup) => {
        return { state: 'ready', kept: await backup.keep(Buffer.from('in no undo record')), replaced: undefined };
      },
      undo: async () => ({ state: 'undone' }),
    };
    const depsOf = (machine: Host): WorkflowDeps => {
      // In a copy, only changes of files are rolled back.
      const deps = demoDeps({ ...machine, kind: 'live' });
      return { ...deps, kinds: createChangeRegistry([...deps.kinds.values(), kind]) };
    };
    const crash = new Error('the kill');
    const dying: Host = { ...host, appendFile: () => Promise.reject(crash) };
    await expect(rollbackRun(id, depsOf(dying))).rejects.toBe(crash);
    expect(await readdir(path.join(directory, 'backup'))).toContain(sha256(Buffer.from('in no undo record')));
    expect(await rollbackRun(id, depsOf(host))).toMatchObject({ undone: 3, notReverted: [] });
    expect(await texts()).toEqual(['old a', 'old b']);
  });

  it('is rolled back although a value that describes a change is nested deeper than any stack', async () => {
    const { id, directory } = await makeRun();
    const lines = await toVersion1(directory);
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    await writeLines(
      directory,
      lines.map((line) => line.replace('"after":"generated"', `"after":${deep}`)),
    );
    expect(await linesOf(directory)).not.toEqual(lines);
    expect(await rollbackRun(id, demoDeps(host))).toMatchObject({ undone: 2, notReverted: [] });
    expect(await texts()).toEqual(['old a', 'old b']);
  });

  it('that was rolled back may have unused files in its backup', async () => {
    const { id, directory } = await makeRun();
    await toVersion1(directory);
    await rollbackRun(id, demoDeps(host));
    await toVersion1(directory);
    await writeFile(path.join(directory, 'backup', sha256(Buffer.from('unused'))), 'unused');
    expect(await rollbackRun(id, demoDeps(host))).toEqual({ undone: 0, notReverted: [], replaced: [] });
  });
});

describe('a run that a later version made', () => {
  it.each([
    ['of another version', { type: 'run', version: 99, id: 'r', tool: '7.0.0', playbook: 'demo', host: 'h', at: AT }],
    ['with a record of another type', { type: 'undone-unit', seqs: [0, 1] }],
    [
      'with a change of another kind',
      { type: 'intent', seq: 2, step: 'one', change: { kind: 'file.swap', target: '/x' }, captured: null },
    ],
  ])('%s is refused before anything is rolled back', async (_, record) => {
    const { id, directory } = await makeRun();
    const store = openRunStore(host);
    if (record.type === 'run') {
      await writeLines(directory, [JSON.stringify(record), ...(await linesOf(directory)).slice(1)]);
    } else {
      await (await store.open(id)).append(record as unknown as JournalRecord);
    }
    await expectRefused(id, 'JOURNAL_NEWER');
    expect(await texts()).toEqual(['new a', 'new b']);
  });

  it('is refused as a whole when one change lacks the fields of its kind', async () => {
    const { id } = await makeRun();
    const change = { kind: 'file.replace', target: '/x' };
    const run = await openRunStore(host).open(id);
    await run.append({ type: 'intent', seq: 2, step: 'one', change, captured: null });
    await expectRefused(id, 'JOURNAL_CORRUPT');
  });

  it('is not resumed with a change of another kind', async () => {
    const { id } = await makeRun();
    const run = await openRunStore(host).open(id);
    const change = { kind: 'file.swap', target: '/x' };
    await run.append({ type: 'resumed', at: AT }, { type: 'intent', seq: 2, step: 'one', change, captured: null });
    await expectCode(demoRun(host, [demoStep(host, 'one', { [A]: 'x' })], { resume: true }), 'JOURNAL_NEWER');
    expect(await texts()).toEqual(['new a', 'new b']);
  });
});

describe('the order of runs', () => {
  /** Runs a step at another time of the clock. */
  async function runAt(at: string, target: HostPath, text: string, resume = false): Promise<string> {
    const deps = { ...demoDeps(host), clock: { now: () => new Date(at), sleep: async () => undefined } };
    const playbook = demoPlaybook(demoStep(host, 'one', { [target]: text }));
    const { signal } = new AbortController();
    const input = { playbook, selection: {}, confirm: async () => true, signal, resume };
    return (await runPlaybook(input, deps)).runId ?? '';
  }

  it('does not depend on the clock', async () => {
    const first = await runAt('2027-11-22T12:00:00Z', A, 'one');
    const second = await runAt('2025-11-22T12:00:00Z', A, 'two');
    const third = await runAt('2026-11-22T12:00:00Z', A, 'three');
    const store = openRunStore(host);
    expect((await store.list()).map(({ id }) => id)).toEqual([first, second, third]);
    expect((await store.list()).map(({ header }) => header?.number)).toEqual([1, 2, 3]);
    expect((await store.open('latest')).id).toBe(third);
    await rollbackRun('latest', demoDeps(host));
    expect(await textAt(host, A)).toBe('two');
  });

  it('decides which run is resumed after the clock was set back', async () => {
    await runAt('2027-11-22T12:00:00Z', A, 'one');
    const interrupted = await runAt('2026-11-22T12:00:00Z', B, 'two');
    await (await openRunStore(host).open(interrupted)).append({ type: 'end', outcome: 'interrupted', at: AT });
    expect(await runAt('2026-11-22T12:00:00Z', B, 'three', true)).toBe(interrupted);
  });

  it('has runs of version 1 before all others, by their names', async () => {
    const [older, newer] = [
      await runAt('2026-01-01T00:00:00Z', A, 'one'),
      await runAt('2027-01-01T00:00:00Z', A, 'two'),
    ];
    const second = await runAt('2025-01-01T00:00:00Z', A, 'three');
    for (const id of [newer, older]) await toVersion1(real(`${RUNS}/${id}`));
    const third = await runAt('2024-01-01T00:00:00Z', A, 'four');
    expect((await openRunStore(host).list()).map(({ id }) => id)).toEqual([older, newer, second, third]);
  });

  it('survives a lost journal: its number is not given to another run', async () => {
    const first = await runAt(AT, A, 'one');
    const second = await runAt(AT, A, 'two');
    await rm(real(`${RUNS}/${second}/journal.jsonl`));
    const { id } = await openRunStore(host).create({ playbook: 'demo', at: new Date(AT) });
    expect((await openRunStore(host).survey()).map((entry) => entry.id)).toEqual([first, second, id]);
    expect((await (await openRunStore(host).open(id)).state()).header?.number).toBe(3);
  });

  it('names no run when there is none, or the newest one cannot be read', async () => {
    await expectCode(openRunStore(host).open('latest'), 'RUN_NOT_FOUND');
    await runAt(AT, A, 'one');
    const second = await runAt(AT, A, 'two');
    await rm(real(`${RUNS}/${second}/journal.jsonl`));
    await rm(real(`${RUNS}/${second}/head.json`));
    await expectRefused('latest', 'JOURNAL_LOST');
  });
});

describe('a journal above 40 MiB', () => {
  const COUNT = 60_000;

  it('is appended to, read, listed, rolled back and followed by another run', async () => {
    const store = openRunStore(host);
    const run = await store.create({ playbook: 'demo', at: new Date(AT) });
    const finding: JournalRecord = {
      ...{ type: 'finding', step: 'objects/x', phase: 'objects', title: 'x'.repeat(700), status: 'needed' },
      ...{ summary: 's', evidence: [], at: AT },
    };
    for (let batch = 0; batch < 4; batch += 1) await run.append(...Array.from({ length: COUNT / 4 }, () => finding));
    await run.append({ type: 'end', outcome: 'interrupted', at: AT });
    const steps = [demoStep(host, 'one', { [A]: 'new a' })];
    expect((await demoRun(host, steps, { resume: true })).outcome).toBe('done');
    const journal = journalOf(real(run.path));
    expect((await stat(journal)).size).toBeGreaterThan(40 * 1024 * 1024);
    expect((await store.survey()).map(({ damage }) => damage)).toEqual([undefined]);
    // Killed while writing: the torn line is removed without reading the file at once.
    await appendFile(journal, '{"type":"fin');
    expect(await rollbackRun(run.id, demoDeps(host))).toMatchObject({ undone: 1, notReverted: [] });
    expect(await textAt(host, A)).toBe('old a');
    expect(await (await store.open(run.id)).records()).toHaveLength(COUNT + 12);
    expect((await demoRun(host, steps)).outcome).toBe('done');
  }, 60_000);

  it('is read in bounded memory', async () => {
    const run = await openRunStore(host).create({ playbook: 'demo', at: new Date(AT) });
    const handle = await open(journalOf(real(run.path)), 'a');
    await handle.write('x'.repeat(1000));
    await handle.close();
    await truncate(journalOf(real(run.path)), 64 * 1024 * 1024);
    let largest = 0;
    const watched: Host = {
      ...host,
      readRange: async (...input) => {
        largest = Math.max(largest, input[1].length);
        return host.readRange(...input);
      },
    };
    expect((await openRunStore(watched).survey()).map(({ state }) => state?.id)).toEqual([run.id]);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
  });
});

describe('a journal that could not be written', () => {
  it('is not continued after a torn line', async () => {
    const run = await openRunStore(host).create({ playbook: 'demo', at: new Date(AT) });
    let isTorn = false;
    const torn: Host = {
      ...host,
      appendFile: async (file, data, options) => {
        if (!isTorn) return host.appendFile(file, data, options);
        isTorn = false;
        await host.appendFile(file, data.subarray(0, 20), options);
        throw new Error('no space');
      },
    };
    const again = await openRunStore(torn).open(run.id);
    await again.append({ type: 'step', step: 'one', at: AT });
    isTorn = true;
    await expect(again.append({ type: 'applied', step: 'one', at: AT })).rejects.toThrow('no space');
    await again.append({ type: 'step', step: 'two', at: AT });
    expect((await again.records()).map(({ type }) => type)).toEqual(['run', 'step', 'step']);
    expect(await readdir(real(run.path))).not.toContain('reserve');
  });

  it('has no end mark beyond its records', async () => {
    const { id, directory } = await makeRun();
    await rename(path.join(directory, 'head.json'), path.join(directory, 'kept'));
    await writeFile(path.join(directory, 'head.json'), await readFile(path.join(directory, 'kept')));
    const { records } = JSON.parse(await readFile(path.join(directory, 'head.json'), 'utf8')) as { records: number };
    expect(records).toBe((await linesOf(directory)).length);
    expect((await rollbackRun(id, demoDeps(host))).undone).toBe(2);
  });
});
