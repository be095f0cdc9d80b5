import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requireProgram } from '@kube-rescue/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AttributeLoss, createLocalHost, type Host, type HostPath, hostPath } from '../index.ts';
import { execForBytes } from './local-exec.ts';
import { createSshFileWrites } from '../ssh/ssh-writes.ts';

const MODE = 0o640;
let directory: string;
let losses: AttributeLoss[];
const at = (name: string): HostPath => hostPath(path.join(directory, name));
const run = (program: string, ...args: readonly string[]): string => execFileSync(program, args).toString();
const listOf = (file: string): string => run('getfacl', '--omit-header', '--absolute-names', file).trim();
const noteOf = (file: string): string => run('getfattr', '--only-values', '-n', 'user.note', '--absolute-names', file);

beforeEach(() => {
  // /tmp may be a tmpfs, which has no attributes of users before Linux 6.6.
  directory = mkdtempSync(path.join('/var/tmp', 'kube-rescue-attributes-'));
  losses = [];
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

type Writes = Pick<Host, 'writeFile' | 'writeFileFrom'>;
const onAttributesLost = (loss: AttributeLoss): void => void losses.push(loss);

/** The scripts for another machine, run by the shell of this one. */
const overSsh = (): Writes =>
  createSshFileWrites(
    ({ text, args, input }) =>
      execForBytes(['sh', '-c', text, 'kube-rescue', ...args], { timeoutMs: 10_000, input }, 4096),
    onAttributesLost,
  );

const adapters: readonly (readonly [string, () => Writes])[] = [
  ['this machine', () => createLocalHost({ onAttributesLost })],
  ['another machine', overSsh],
];

describe.skipIf(!requireProgram('setfacl', 'setfattr')).each(adapters)('replacing a file of %s', (_name, open) => {
  /** admin.conf, which user 3000 may read and the group may not. */
  const plantShared = (): HostPath => {
    writeFileSync(at('admin.conf'), 'old');
    chmodSync(at('admin.conf'), MODE);
    run('setfacl', '-m', 'u:3000:r,g::-', at('admin.conf'));
    run('setfattr', '-n', 'user.note', '-v', 'kept', at('admin.conf'));
    return at('admin.conf');
  };

  it('keeps its access list and its attributes', async () => {
    const file = plantShared();
    const before = listOf(file);
    expect(before).toContain('user:3000:r--');
    await open().writeFile(file, Buffer.from('new'), { mode: MODE, owner: { uid: 0, gid: 0 } });
    expect([readFileSync(file, 'utf8'), listOf(file), noteOf(file)]).toEqual(['new', before, 'kept']);
    expect(losses).toEqual([]);
  });

  it('keeps them when the bytes are streamed', async () => {
    const file = plantShared();
    const before = listOf(file);
    const pieces = async function* () {
      yield Buffer.from('new');
    };
    await open().writeFileFrom(file, pieces(), { mode: MODE });
    expect([readFileSync(file, 'utf8'), listOf(file), noteOf(file)]).toEqual(['new', before, 'kept']);
  });

  it('keeps them when only a known state may be replaced, and when the old bytes come back', async () => {
    const file = plantShared();
    const before = listOf(file);
    const old = run('sha256sum', file).slice(0, 64);
    await open().writeFile(file, Buffer.from('new'), { mode: MODE, replaces: [old] });
    await open().writeFile(file, Buffer.from('old'), { mode: MODE });
    expect([readFileSync(file, 'utf8'), listOf(file), noteOf(file)]).toEqual(['old', before, 'kept']);
  });

  it('keeps the entries of a list, and takes their rights, when a narrower mode is asked for', async () => {
    const file = plantShared();
    await open().writeFile(file, Buffer.from('new'), { mode: 0o600 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(listOf(file)).toMatch(/user:3000:r--\s+#effective:---/);
  });

  it('gives a new file, and one that replaces a link, no list', async () => {
    symlinkSync(plantShared(), at('link'));
    await open().writeFile(at('link'), Buffer.from('new'), { mode: 0o600 });
    await open().writeFile(at('other'), Buffer.from('new'), { mode: 0o600 });
    expect([listOf(at('link')), listOf(at('other'))]).not.toContain(expect.stringContaining('3000'));
    expect(readFileSync(at('admin.conf'), 'utf8')).toBe('old');
    expect(losses).toEqual([]);
  });

  it.each([
    [
      'cannot do it',
      '#!/bin/sh\necho "cp: unrecognized option \'--attributes-only\'" >&2\nexit 1\n',
      /unrecognized option/,
    ],
    ['claims it', '#!/bin/sh\nexit 0\n', /they differ afterwards/],
  ])('replaces the file and reports the loss where cp %s', async (_case, program, reason) => {
    const file = plantShared();
    mkdirSync(at('bin'));
    writeFileSync(at('bin/cp'), program, { mode: 0o755 });
    // A PATH counts only without directories that others can write, and /var/tmp is sticky and of root.
    vi.stubEnv('PATH', `${at('bin')}:${process.env['PATH'] ?? ''}`);
    await open().writeFile(file, Buffer.from('new'), { mode: MODE });
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(MODE);
    expect(losses).toEqual([{ path: file, reason: expect.stringMatching(reason) as string }]);
  });
});

describe('replacing a file on a machine without a shell', () => {
  it('needs none for a file of our own', async () => {
    writeFileSync(at('head.json'), 'old');
    mkdirSync(at('bin'));
    vi.stubEnv('PATH', at('bin'));
    const write = createLocalHost({ onAttributesLost }).writeFile;
    await write(at('head.json'), Buffer.from('new'), { mode: 0o600, isOwn: true });
    expect(readFileSync(at('head.json'), 'utf8')).toBe('new');
    expect(losses).toEqual([]);
  });

  it('replaces it and reports the loss', async () => {
    writeFileSync(at('file'), 'old');
    mkdirSync(at('bin'));
    vi.stubEnv('PATH', at('bin'));
    await createLocalHost({ onAttributesLost }).writeFile(at('file'), Buffer.from('new'), { mode: 0o600 });
    expect(readFileSync(at('file'), 'utf8')).toBe('new');
    expect(losses).toEqual([{ path: at('file'), reason: expect.stringContaining('no such program') as string }]);
  });
});
