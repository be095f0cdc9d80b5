import { createFakeHost, treeOf } from '@kube-rescue/testing';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ContainerLog, POD_LOGS, readContainerLog, readLogTail } from './container-log.ts';
import { joinPath } from './host-path.ts';

const DIRECTORY = joinPath(POD_LOGS, 'kube-system_dns_1');

async function tailOf(logs: Readonly<Record<string, string>>, lines = 2): Promise<readonly string[]> {
  const host = createFakeHost();
  await host.makeDirectory(joinPath(DIRECTORY, 'dns'), { mode: 0o755 });
  for (const [name, text] of Object.entries(logs)) {
    await host.writeFile(joinPath(DIRECTORY, `dns/${name}`), Buffer.from(text), { mode: 0o640 });
  }
  return readLogTail({ directory: DIRECTORY, container: 'dns', lines }, { host });
}

describe('the end of a container’s log', () => {
  it('is that of its last start, without what the runtime puts before each line', async () => {
    const newest =
      '2026-11-22T10:00:00.1Z stderr F two\n2026-11-22T10:00:00.2Z stdout F three\n2026-11-22T10:00:01Z stderr F four\n';
    expect(await tailOf({ '9.log': 'old\n', '10.log': newest, 'x.log': 'other' })).toEqual(['three', 'four']);
  });

  it('is that of the previous start while the current one has no output', async () => {
    expect(await tailOf({ '0.log': 'why it ended\n', '1.log': '' })).toEqual(['why it ended']);
  });

  it('is only named when too large', async () => {
    const host = createFakeHost();
    await host.makeDirectory(joinPath(DIRECTORY, 'dns'), { mode: 0o755 });
    await host.writeFile(joinPath(DIRECTORY, 'dns/0.log'), new Uint8Array(33 * 1024 * 1024), { mode: 0o640 });
    const tail = await readLogTail({ directory: DIRECTORY, container: 'dns', lines: 2 }, { host });
    expect(tail).toEqual([`${DIRECTORY}/dns/0.log is too large to be read here`]);
  });

  it('is read from the directory of the pod only, for any name of the container', async () => {
    const host = createFakeHost();
    await host.makeDirectory(joinPath(POD_LOGS, 'secret'), { mode: 0o755 });
    await host.writeFile(joinPath(POD_LOGS, 'secret/0.log'), Buffer.from('of another\n'), { mode: 0o640 });
    for (const container of ['../secret', joinPath(POD_LOGS, 'secret'), '']) {
      expect(await readLogTail({ directory: DIRECTORY, container, lines: 2 }, { host }), container).toEqual([]);
    }
  });

  it('is empty when there is none, and secrets are redacted', async () => {
    expect(await tailOf({})).toEqual([]);
    expect((await tailOf({ '0.log': 'token: hunter2\n' })).join()).not.toContain('hunter2');
  });
});

const LOGS = joinPath(DIRECTORY, 'dns');
const cri = (second: number, text: string, tag = 'F') => `2026-11-22T10:00:0${second}.5Z stderr ${tag} ${text}\n`;

async function startOf(logs: Readonly<Record<string, string | Uint8Array>>): Promise<ContainerLog | undefined> {
  const host = createFakeHost();
  await host.makeDirectory(LOGS, { mode: 0o755 });
  for (const [name, text] of Object.entries(logs)) {
    await host.writeFile(joinPath(LOGS, name), Buffer.from(text), { mode: 0o640 });
  }
  return readContainerLog({ directory: DIRECTORY, container: 'dns' }, { host });
}

describe('what a container printed last', () => {
  it('has the file, the time of its last line, and each line whole', async () => {
    const log = cri(1, 'starting ', 'P') + cri(1, 'slowly') + cri(2, 'Error: unknown flag: --x');
    expect(await startOf({ '3.log': log, '2.log': cri(0, 'before') })).toEqual({
      path: `${LOGS}/3.log`,
      lastAt: new Date('2026-11-22T10:00:02.5Z'),
      isPrevious: false,
      lines: ['starting slowly', 'Error: unknown flag: --x'],
    });
  });

  it('is in the rotated log after a rotation, and of the previous start while a new one has printed nothing', async () => {
    const rotated = { '3.log': '', '3.log.20261122-100003': cri(3, 'newer'), '3.log.20261122-100002': cri(2, 'older') };
    expect(await startOf({ ...rotated, '3.log.20261122-090000.gz': 'x' })).toMatchObject({
      isPrevious: false,
      lines: ['newer'],
    });
    const previous = await startOf({ '4.log': '\n', '3.log': cri(1, 'why it ended') });
    expect(previous).toMatchObject({ isPrevious: true, lines: ['why it ended'] });
  });

  it('is the end of a log that is too large to be read as a whole', async () => {
    const filler = new Uint8Array(33 * 1024 * 1024).fill(0x2e);
    const log = await startOf({ '0.log': Buffer.concat([filler, Buffer.from(`\n${cri(1, 'the end')}`)]) });
    expect(log?.lines).toEqual(['the end']);
    const single = await startOf({ '0.log': filler });
    expect(single?.lines.map(({ length }) => length)).toEqual([4096]);
  });

  it('is readable without the runtime that wrote it, in JSON, in bytes that are no text, and incomplete', async () => {
    const json = `${JSON.stringify({ log: 'two parts, ', time: '2026-11-22T10:00:01Z' })}\n${JSON.stringify({ log: 'one line\n', time: '2026-11-22T10:00:02Z' })}\n{"log":"cut`;
    const log = await startOf({ '0.log': json });
    expect(log?.lines).toEqual(['two parts, one line', '{"log":"cut']);
    const binary = await startOf({ '0.log': Uint8Array.from([0xff, 0x00, 0x1b, 0x5b, 0x41, 0x0a]) });
    expect(binary?.lines).toEqual(['\ufffd\\x00\\x1b[A']);
    expect((await startOf({ '0.log': cri(1, 'begun', 'P') }))?.lines).toEqual(['begun']);
  });

  it("is found behind Docker's link, with the size of the file there", async () => {
    const host = createFakeHost({ tree: treeOf({ '/var/lib/docker/c-json.log': cri(1, 'the end') }) });
    await host.makeDirectory(LOGS, { mode: 0o755 });
    await host.writeLink(joinPath(LOGS, '0.log'), '/var/lib/docker/c-json.log');
    expect((await readContainerLog({ directory: DIRECTORY, container: 'dns' }, { host }))?.lines).toEqual(['the end']);
  });

  it('is nothing without a log, and never a key, not even one of several lines', async () => {
    expect(await startOf({ '0.log': '\n\n' })).toBeUndefined();
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const lines = String(key).trim().split('\n');
    const log = await startOf({ '0.log': lines.map((line) => cri(1, line)).join('') });
    expect(log?.lines).toEqual(['[redacted PRIVATE KEY]']);
  });
});
