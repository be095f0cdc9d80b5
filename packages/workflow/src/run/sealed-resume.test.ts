import { hostPath, joinPath } from '@kube-rescue/host';
import { expectCode, type FakeHost } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { type BackupSeal, openRunStore, type RunResult, runPlaybook } from '../index.ts';
import { A, B, demoDeps, demoHost, demoPlaybook, demoStep, textAt } from './demo-run.fixture.ts';

const flip = async (data: Uint8Array): Promise<Uint8Array> => data.map((byte) => byte ^ 0xff);
const SEALED: BackupSeal = { recipients: ['age1one', 'age1two'], seal: flip };
const AT = '2026-11-22T12:00:00Z';

async function run(host: FakeHost, seal: BackupSeal, resume = false): Promise<RunResult> {
  const steps = [demoStep(host, 'one', { [A]: 'new a' }), demoStep(host, 'two', { [B]: 'new b' })];
  const { signal } = new AbortController();
  const input = { playbook: demoPlaybook(...steps), selection: {}, confirm: async () => true, signal, resume };
  return runPlaybook(input, demoDeps(host, seal));
}

/** A sealed run that was interrupted after its first step; with `isKilled`, in its second. */
async function interrupt(host: FakeHost, isKilled = false): Promise<string> {
  const store = openRunStore(host, undefined, SEALED);
  const directory = await store.create({ playbook: 'demo', at: new Date(AT) });
  const kept = await directory.backup.keep(Buffer.from('old a'));
  const state = { kind: 'file', digest: kept, mode: 0o644, uid: 0, gid: 0 };
  const change = { kind: 'file.replace', target: A, before: kept, after: 'generated', mode: 0o600 };
  await directory.append({ type: 'intent', seq: 0, step: 'one', change, captured: { state, kept, after: 'x' } });
  if (!isKilled) {
    await directory.append(
      { type: 'undone', seq: 0, outcome: { state: 'already' }, at: AT },
      { type: 'end', outcome: 'interrupted', at: AT },
    );
  }
  return directory.id;
}

async function namesKept(host: FakeHost, id: string): Promise<readonly string[]> {
  return (await host.list(joinPath(openRunStore(host).directory, id, 'backup'))) ?? [];
}

describe('a resumed run with encrypted backups', () => {
  it('keeps only encrypted backups, for the same recipients in any order', async () => {
    const host = demoHost();
    const id = await interrupt(host);
    const same = { recipients: ['age1two', 'age1one'], seal: flip };
    expect(await run(host, same, true)).toMatchObject({ runId: id, outcome: 'done' });
    const names = await namesKept(host, id);
    expect(names.length).toBeGreaterThan(1);
    expect(names.filter((name) => !name.endsWith('.sealed'))).toEqual([]);
  });

  it.each([
    ['without recipients', {}],
    ['with one recipient less', { recipients: ['age1one'], seal: flip }],
    ['with another recipient', { recipients: ['age1one', 'age1three'], seal: flip }],
  ] satisfies (readonly [string, BackupSeal])[])('is refused %s', async (_, seal) => {
    const host = demoHost();
    await interrupt(host);
    await expectCode(run(host, seal, true), 'RESUME_CONTRADICTS');
    expect(await textAt(host, A)).toBe('old a');
  });

  it('is refused without the identity before anything changes, when a step was interrupted', async () => {
    const host = demoHost();
    const id = await interrupt(host, true);
    const before = host.mutations.length;
    await expectCode(run(host, SEALED, true), 'BACKUP_SEALED');
    expect(host.mutations.slice(before).filter(({ target }) => target.includes(id))).toEqual([]);
  });

  it('of version 1 is refused without recipients as well', async () => {
    const host = demoHost();
    const id = await interrupt(host);
    const directory = joinPath(openRunStore(host).directory, id);
    const journal = joinPath(directory, 'journal.jsonl');
    const lines = Buffer.from((await host.readFile(journal)) ?? []).toString();
    const version1 = lines
      .replaceAll(/"n":\d+,"prev":"[0-9a-f]{64}",/g, '')
      .replace('"version":2', '"version":1')
      .replace(/"seal":\[[^\]]*\],?/, '')
      .replace(',}', '}');
    await host.writeFile(journal, Buffer.from(version1), { mode: 0o600 });
    await host.remove(hostPath(`${directory}/head.json`));
    await expectCode(run(host, {}, true), 'RESUME_CONTRADICTS');
    expect((await run(host, SEALED, true)).runId).toBe(id);
  });

  it('cannot become encrypted when it began without', async () => {
    const host = demoHost();
    const { runId = '' } = await run(host, {});
    await (await openRunStore(host).open(runId)).append({ type: 'end', outcome: 'interrupted', at: AT });
    await expectCode(run(host, SEALED, true), 'RESUME_CONTRADICTS');
  });
});
