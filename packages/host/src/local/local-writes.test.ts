import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostPath, hostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

const host = createLocalHost();
let directory: string;
const at = (...segments: readonly string[]): HostPath => hostPath(path.join(directory, ...segments));
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-host-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('writing files of this machine', () => {
  it('sets the requested mode regardless of the umask', async () => {
    const before = process.umask(0o077);
    try {
      await host.writeFile(at('file'), Buffer.from('x'), { mode: 0o644 });
      await host.appendFile(at('journal'), Buffer.from('x'), { mode: 0o644 });
      await host.makeDirectory(at('directory'), { mode: 0o755 });
    } finally {
      process.umask(before);
    }
    const modes = await Promise.all(['file', 'journal', 'directory'].map(async (name) => (await stat(at(name))).mode));
    expect(modes.map((mode) => mode & 0o777)).toEqual([0o644, 0o644, 0o755]);
  });

  it('does not write through a link at the path of the temporary file', async () => {
    await writeFile(at('victim'), 'untouched');
    await symlink(at('victim'), at('.file.kube-rescue.tmp'));
    await host.writeFile(at('file'), Buffer.from('new'), { mode: 0o644 });
    expect(await readFile(at('victim'), 'utf8')).toBe('untouched');
    expect(await readdir(directory)).toEqual(['file', 'victim']);
  });

  it('stages above the target directory when the watched one is a link', async () => {
    await mkdir(at('data/manifests'), { recursive: true });
    await symlink(at('data/manifests'), at('manifests'));
    await chmod(directory, 0o755);
    await host.writeFile(at('manifests', 'pod.yaml'), Buffer.from('new'), { mode: 0o600, watched: true });
    expect(await readdir(at('data/manifests'))).toEqual(['pod.yaml']);
    expect((await readdir(directory)).toSorted()).toEqual(['data', 'manifests']);
  });

  it('keeps the old file when the rename fails', async () => {
    await mkdir(at('directory/inner'), { recursive: true });
    const write = host.writeFile(at('directory'), Buffer.from('new'), { mode: 0o644 });
    await expect(write).rejects.toMatchObject({ code: 'HOST_NOT_A_REGULAR_FILE' });
    expect(await readdir(directory)).toEqual(['directory']);
    expect(await readdir(at('directory'))).toEqual(['inner']);
  });

  it('lets a reader see the old bytes or the new, never a mix', async () => {
    const [old, young] = ['a', 'b'].map((letter) => Buffer.from(letter.repeat(200_000)));
    if (old === undefined || young === undefined) throw new Error('unreachable');
    await host.writeFile(at('file'), old, { mode: 0o644 });
    const seen = new Set<string>();
    const stop = new AbortController();
    const reader = (async () => {
      while (!stop.signal.aborted) seen.add(await readFile(at('file'), 'utf8'));
    })();
    for (let turn = 0; turn < 20; turn += 1) {
      await host.writeFile(at('file'), turn % 2 === 0 ? young : old, { mode: 0o644 });
    }
    stop.abort();
    await reader;
    expect([...seen].filter((text) => text !== old.toString() && text !== young.toString())).toEqual([]);
  });
});

/** Small filesystems need root, and a kernel that permits mounts. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!canMount())('writing to a filesystem in trouble', () => {
  beforeEach(async () => {
    await mkdir(at('disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at('disk')]);
    await writeFile(at('disk', 'file'), 'old');
  });
  afterEach(() => {
    execFileSync('umount', [at('disk')]);
  });

  const big = new Uint8Array(100_000);

  it('keeps the old file and leaves no other when the disk is full', async () => {
    const write = host.writeFile(at('disk', 'file'), big, { mode: 0o644 });
    await expect(write).rejects.toMatchObject({ code: 'HOST_NO_SPACE', subject: at('disk', 'file') });
    expect(await readdir(at('disk'))).toEqual(['file']);
    expect(await readFile(at('disk', 'file'), 'utf8')).toBe('old');
  });

  it('truncates a partial record when the disk is full', async () => {
    const append = host.appendFile(at('disk', 'file'), big, { mode: 0o644 });
    await expect(append).rejects.toMatchObject({ code: 'HOST_NO_SPACE' });
    expect(await readFile(at('disk', 'file'), 'utf8')).toBe('old');
  });

  it('reports the free space', async () => {
    expect(await host.freeBytes(at('disk', 'not', 'made'))).toBeLessThan(64 * 1024);
  });

  it('says that a read-only disk is read-only', async () => {
    execFileSync('mount', ['-o', 'remount,ro', at('disk')]);
    const attempts = [
      () => host.writeFile(at('disk', 'file'), big, { mode: 0o644 }),
      () => host.appendFile(at('disk', 'file'), big, { mode: 0o644 }),
      () => host.writeLink(at('disk', 'link'), 'file'),
      () => host.remove(at('disk', 'file')),
      () => host.makeDirectory(at('disk', 'directory'), { mode: 0o755 }),
      () => host.assertWritable(at('disk', 'directory')),
      () => host.acquireLock(at('disk', 'lock'), 'me'),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'HOST_READ_ONLY' });
    expect(await readFile(at('disk', 'file'), 'utf8')).toBe('old');
  });

  it('refuses a watched directory that is a separate filesystem', async () => {
    const write = host.writeFile(at('disk', 'file'), Buffer.from('new'), { mode: 0o644, watched: true });
    await expect(write).rejects.toMatchObject({ code: 'HOST_STAGING_UNAVAILABLE' });
    expect(await readFile(at('disk', 'file'), 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['disk']);
  });
});
