import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostPath, hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

const host = createLocalHost();
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const { renameSync } = fs;
const { link, rename: renameLater } = fsPromises;
let directory: string;
let file: HostPath;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-exchange-'));
  file = hostPath(path.join(directory, 'key'));
  await writeFile(file, 'old');
});
afterEach(async () => {
  Object.assign(fs, { renameSync });
  Object.assign(fsPromises, { link, rename: renameLater });
  syncBuiltinESMExports();
  await rm(directory, { recursive: true });
});

/** Another writer acts right before the rename that puts the new file in place. */
function beforeTheRename(act: (from: string, to: string) => void): void {
  const meddled = (from: string, to: string): void => {
    Object.assign(fs, { renameSync });
    syncBuiltinESMExports();
    act(from, to);
    renameSync(from, to);
  };
  Object.assign(fs, { renameSync: meddled });
  syncBuiltinESMExports();
}

const write = (): Promise<void> =>
  host.writeFile(file, Buffer.from('new'), { mode: 0o600, replaces: [digestOf('old')] });

describe('the exchange of a file', () => {
  it('puts back a file that another process wrote into in place, right before the rename', async () => {
    beforeTheRename(() => fs.writeFileSync(file, 'theirs'));
    await expect(write()).rejects.toMatchObject({ code: 'HOST_CHANGED', subject: file });
    expect(await readFile(file, 'utf8')).toBe('theirs');
    expect(await readdir(directory)).toEqual(['key']);
  });

  it('puts back a file whose writer still has it open', async () => {
    const handle = await open(file, 'r+');
    try {
      beforeTheRename(() => {
        fs.ftruncateSync(handle.fd);
        fs.writeSync(handle.fd, 'theirs', 0);
      });
      await expect(write()).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    } finally {
      await handle.close();
    }
    expect(await readFile(file, 'utf8')).toBe('theirs');
  });

  it('keeps the bytes of both when another process replaces the file right after the rename too', async () => {
    beforeTheRename(() => fs.writeFileSync(file, 'first'));
    const original = fs.renameSync;
    Object.assign(fs, {
      renameSync: (from: string, to: string) => {
        original(from, to);
        fs.writeFileSync(`${file}.new`, 'second');
        renameSync(`${file}.new`, file);
      },
    });
    syncBuiltinESMExports();
    const failure: unknown = await write().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'HOST_CHANGED', message: expect.stringContaining('.key.kube-rescue.old.') });
    expect(await readFile(file, 'utf8')).toBe('second');
    const [kept = ''] = (await readdir(directory)).filter((name) => name !== 'key');
    expect(await readFile(path.join(directory, kept), 'utf8')).toBe('first');
  });

  it('leaves a file that another process renamed there while the new one was written', async () => {
    const data = async function* (): AsyncGenerator<Uint8Array> {
      await writeFile(`${file}.new`, 'theirs');
      await rename(`${file}.new`, file);
      yield Buffer.from('new');
    };
    const slow = host.writeFileFrom(file, data(), { mode: 0o600, replaces: [digestOf('old')] });
    await expect(slow).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    expect(await readFile(file, 'utf8')).toBe('theirs');
    expect(await readdir(directory)).toEqual(['key']);
  });

  it('leaves a file that another process created meanwhile', async () => {
    await rm(file);
    const data = async function* (): AsyncGenerator<Uint8Array> {
      await writeFile(file, 'theirs');
      yield Buffer.from('new');
    };
    const slow = host.writeFileFrom(file, data(), { mode: 0o600, replaces: ['absent'] });
    await expect(slow).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    expect(await readFile(file, 'utf8')).toBe('theirs');
  });

  it('leaves a file that another process created at the last instant', async () => {
    await rm(file);
    const meddled = async (from: string, to: string): Promise<void> => {
      if (to === file) await writeFile(file, 'theirs');
      await link(from, to);
    };
    Object.assign(fsPromises, { link: meddled });
    syncBuiltinESMExports();
    const created = host.writeFile(file, Buffer.from('new'), { mode: 0o600, replaces: ['absent'] });
    await expect(created).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    expect(await readFile(file, 'utf8')).toBe('theirs');
    expect(await readdir(directory)).toEqual(['key']);
  });

  it('has the old file or the new one at each instant', async () => {
    const seen = new Set<string>();
    beforeTheRename((from, to) => {
      seen.add(fs.readFileSync(to, 'utf8'));
      expect(fs.readFileSync(from, 'utf8')).toBe('new');
    });
    await write();
    expect([...seen]).toEqual(['old']);
    expect(await readFile(file, 'utf8')).toBe('new');
  });

  it('compares by content alone where the filesystem has no hard links', async () => {
    const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }));
    Object.assign(fsPromises, { link: refuse });
    syncBuiltinESMExports();
    await write();
    expect(await readFile(file, 'utf8')).toBe('new');
    await expect(write()).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    await host.writeFile(hostPath(`${file}2`), Buffer.from('new'), { mode: 0o600, replaces: ['absent'] });
    expect(await readdir(directory)).toEqual(['key', 'key2']);
  });
});

describe('the removal of a file', () => {
  it('puts back what another process renamed there at the last instant', async () => {
    const meddled = async (from: string, to: string): Promise<void> => {
      Object.assign(fsPromises, { rename: renameLater });
      syncBuiltinESMExports();
      await writeFile(`${file}.new`, 'theirs');
      await rename(`${file}.new`, file);
      await renameLater(from, to);
    };
    Object.assign(fsPromises, { rename: meddled });
    syncBuiltinESMExports();
    const removal = host.remove(file, { replaces: [digestOf('old')] });
    await expect(removal).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    expect(await readFile(file, 'utf8')).toBe('theirs');
    expect(await readdir(directory)).toEqual(['key']);
  });

  it('removes no directory', async () => {
    const removal = host.remove(hostPath(directory), { replaces: [digestOf('old')] });
    await expect(removal).rejects.toMatchObject({ code: 'HOST_CHANGED' });
    expect(await readdir(directory)).toEqual(['key']);
  });
});
