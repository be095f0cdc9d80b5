import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { BIN, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';

const run = promisify(execFile);
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Mode, owner and content of every file and link of the node's configuration. */
async function fingerprint(root: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const directory of ['etc', 'var/lib/kubelet']) {
    for (const entry of await readdir(path.join(root, directory), { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const { mode, uid, gid } = await lstat(file);
      const digest = async (): Promise<string> =>
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex');
      const content = entry.isSymbolicLink() ? await readlink(file) : entry.isFile() ? await digest() : '';
      lines.push(`${path.relative(root, file)} ${mode.toString(8)} ${uid}:${gid} ${content}`);
    }
  }
  return lines.toSorted();
}

async function mount(image: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await run('mount', ['-o', 'loop', image, directory]);
  cleanUps.push(() => run('umount', ['--lazy', directory]).catch(() => undefined));
}

/** A node with expired certificates on a separate disk. */
async function plantOnDisk(): Promise<{ readonly localFiles: string; readonly root: string; readonly image: string }> {
  const localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-power-'));
  cleanUps.push(() => rm(localFiles, { recursive: true, force: true }));
  const [image, root] = [path.join(localFiles, 'disk.img'), path.join(localFiles, 'node')];
  await run('truncate', ['--size=24M', image]);
  await run('mkfs.ext4', ['-q', '-F', image]);
  await mount(image, root);
  const node = await plantNode({ expired: ['apiserver', 'etcd/server', 'scheduler.conf', 'kubelet-client'] });
  cleanUps.push(() => node.remove());
  await run('cp', ['-a', `${node.root}/.`, root]);
  await run('sync', ['--file-system', root]);
  return { localFiles, root, image };
}

/** Runs a recovery to a line of its journal, and copies the disk at that moment without unflushed data. */
async function cutPower(
  disk: { readonly localFiles: string; readonly root: string; readonly image: string },
  line: number,
) {
  const runs = path.join(disk.root, 'var/lib/kube-rescue/runs');
  const child = spawn(process.execPath, [BIN, 'recover', '--yes', '--root', disk.root], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (let lines = 0; lines < line && child.exitCode === null; ) {
    const [id = 'none'] = await readdir(runs).catch(() => []);
    const journal = await readFile(path.join(runs, id, 'journal.jsonl'), 'utf8').catch(() => '');
    lines = journal.split('\n').length - 1;
  }
  child.kill('SIGSTOP');
  const copies = ['rollback.img', 'resume.img'].map((name) => path.join(disk.localFiles, name));
  for (const copy of copies) await copyFile(disk.image, copy);
  child.kill('SIGKILL');
  await ended;
  return copies;
}

const canMount = process.getuid?.() === 0;

describe.runIf(canMount)('a node after a power loss during a recovery', () => {
  it.each([1, 3, 6, 10, 14, 18])(
    'after line %i of its journal is rolled back, or recovered to its end',
    async (line) => {
      const disk = await plantOnDisk();
      const before = await fingerprint(disk.root);
      const [rollbackImage = '', resumeImage = ''] = await cutPower(disk, line);
      const [rollbackRoot, resumeRoot] = [path.join(disk.localFiles, 'rollback'), path.join(disk.localFiles, 'resume')];

      await mount(rollbackImage, rollbackRoot);
      const ids = await readdir(path.join(rollbackRoot, 'var/lib/kube-rescue/runs')).catch(() => []);
      // The line was on the disk before the run continued.
      expect(ids).toHaveLength(1);
      const rolledBack = await runCli(['rollback', ids[0] ?? '', '--yes', '--force', '--root', rollbackRoot]);
      expect(rolledBack.exitCode, rolledBack.stderr).toBe(0);
      expect(await fingerprint(rollbackRoot)).toEqual(before);

      await mount(resumeImage, resumeRoot);
      const resumed = await runCli(['recover', '--resume', '--yes', '--root', resumeRoot]);
      expect(resumed.exitCode, resumed.stderr).toBe(0);
      expect((await runCli(['certs', 'check', '--root', resumeRoot])).exitCode).toBe(0);
      const again = await runCli(['recover', '--yes', '--json', '--root', resumeRoot]);
      expect(JSON.parse(again.stdout)).toMatchObject({ result: { outcome: 'nothing-to-do' } });
    },
  );
});
