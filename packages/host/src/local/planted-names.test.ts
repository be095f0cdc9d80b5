import { execFileSync } from 'node:child_process';
import { link, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostPath, hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

const host = createLocalHost();
const NEW = Buffer.from('new');
let directory: string;
const at = (name: string): HostPath => hostPath(path.join(directory, name));

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
  await writeFile(at('victim'), 'untouched');
});
afterEach(async () => {
  expect(await readFile(at('victim'), 'utf8')).toBe('untouched');
  await rm(directory, { recursive: true });
});

const NOT_OURS = { code: 'HOST_NOT_A_REGULAR_FILE' };

/** Files planted in a directory that root will write to. */
const PLANTED: readonly (readonly [string, (name: string) => Promise<unknown> | void])[] = [
  ['a link to a file', (name) => symlink('victim', at(name))],
  ['a link to nothing', (name) => symlink('nothing', at(name))],
  ['a hard link', (name) => link(at('victim'), at(name))],
  ['a FIFO', (name) => void execFileSync('mkfifo', [at(name)])],
  // Only root can create devices.
  ...(process.getuid?.() === 0
    ? [['a device', (name: string) => void execFileSync('mknod', [at(name), 'c', '1', '5'])] as const]
    : []),
];

describe('a file planted by another user', () => {
  it.each(PLANTED)('does not lead what is appended elsewhere: %s', async (_, plant) => {
    await plant('journal');
    await expect(host.appendFile(at('journal'), NEW, { mode: 0o600 })).rejects.toMatchObject(NOT_OURS);
    expect(await readdir(directory)).toEqual(['journal', 'victim']);
  });

  it.each(PLANTED)('does not lead a lock elsewhere, which would empty its file: %s', async (_, plant) => {
    await plant('lock');
    await expect(host.acquireLock(at('lock'), 'recover')).rejects.toMatchObject(NOT_OURS);
    expect(await readdir(directory)).toEqual(['lock', 'victim']);
  });

  it.each(PLANTED)('gives way to a file that is written whole, and what it led to stays: %s', async (_, plant) => {
    for (const name of ['file', '.file.kube-rescue.tmp']) await plant(name);
    await host.writeFile(at('file'), NEW, { mode: 0o600 });
    expect(await readFile(at('file'), 'utf8')).toBe('new');
    expect(await readdir(directory)).toEqual(['file', 'victim']);
    expect((await host.stat(at('file')))?.kind).toBe('file');
  });

  it.each(PLANTED)('is removed by itself alone: %s', async (_, plant) => {
    await plant('file');
    await host.remove(at('file'));
    expect(await readdir(directory)).toEqual(['victim']);
  });

  it('does not keep a reader waiting, nor fill its memory', async () => {
    execFileSync('mkfifo', [at('fifo')]);
    await writeFile(at('huge'), '');
    await truncate(at('huge'), 2 ** 40);
    await expect(host.readFile(at('fifo'))).rejects.toMatchObject(NOT_OURS);
    await expect(host.readFile(at('huge'))).rejects.toMatchObject({ code: 'HOST_FILE_TOO_LARGE' });
    await expect(host.readFile(hostPath('/dev/zero'))).rejects.toMatchObject(NOT_OURS);
  });
});
