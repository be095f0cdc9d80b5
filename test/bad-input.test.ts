import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PkiOptions } from '@kube-rescue/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runCli } from '../apps/cli/src/cli-process.fixture.ts';

const run = promisify(execFile);
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function plant(options: PkiOptions): Promise<PlantedNode> {
  const node = await plantNode(options);
  cleanUps.push(() => node.remove());
  return node;
}

/** Mode, owner and content of every file below a directory. */
async function fingerprint(directory: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const { mode, uid, gid } = await lstat(file);
    const content = entry.isSymbolicLink()
      ? await readlink(file)
      : entry.isFile()
        ? createHash('sha256')
            .update(await readFile(file))
            .digest('hex')
        : '';
    lines.push(`${file} ${mode.toString(8)} ${uid}:${gid} ${content}`);
  }
  return lines.toSorted();
}

const EXPIRED: PkiOptions = { expired: ['apiserver', 'etcd/server', 'admin.conf', 'kubelet-client'] };

function nodeFile(root: string, name: string): string {
  return path.join(root, 'etc/kubernetes', name);
}

/** Runs `recover` on a node, and expects a refusal without changes. */
async function expectRefusal(root: string, code: string, subject: string): Promise<void> {
  const before = await fingerprint(path.join(root, 'etc'));
  const pkiBefore = await fingerprint(path.join(root, 'var/lib/kubelet')).catch(() => []);
  const ended = await runCli(['recover', '--yes', '--json', '--root', root]);
  const { ok, error } = JSON.parse(ended.stdout) as { ok: boolean; error: Record<string, string> };
  expect({ ok, code: error.code }).toEqual({ ok: false, code });
  expect(`${error.subject} ${error.message}`).toContain(subject);
  expect(error.hint?.length).toBeGreaterThan(10);
  expect([2, 4]).toContain(ended.exitCode);
  expect(await fingerprint(path.join(root, 'etc'))).toEqual(before);
  expect(await fingerprint(path.join(root, 'var/lib/kubelet')).catch(() => [])).toEqual(pkiBefore);
}

it.each([
  ['truncated', 400],
  ['empty', 0],
])('recover makes a certificate from scratch when it is %s', async (_, length) => {
  const { root } = await plant(EXPIRED);
  await truncate(nodeFile(root, 'pki/etcd/peer.crt'), length);
  const ended = await runCli(['recover', '--yes', '--json', '--root', root]);
  expect({ exitCode: ended.exitCode, ok: (JSON.parse(ended.stdout) as { ok: boolean }).ok }).toEqual({
    exitCode: 0,
    ok: true,
  });
  const checked = await runCli(['certs', 'check', '--json', '--root', root]);
  expect(checked.exitCode, checked.stdout).toBe(0);
});

describe('recover refuses, reports the problem and changes nothing', () => {
  it('when there is no /etc/kubernetes', async () => {
    const { root } = await plant({});
    await rm(path.join(root, 'etc'), { recursive: true });
    await mkdir(path.join(root, 'etc'));
    await expectRefusal(root, 'NODE_NOT_FOUND', '/etc/kubernetes');
  });

  it.each([
    ['not PEM at all', (file: string): Promise<void> => writeFile(file, 'hello\n')],
    [
      'a PEM block with invalid DER',
      (file: string): Promise<void> =>
        writeFile(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    ],
  ])('when a certificate is %s', async (_, damage) => {
    const { root } = await plant(EXPIRED);
    await damage(nodeFile(root, 'pki/etcd/peer.crt'));
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'pki/etcd/peer.crt');
  });

  it('when a certificate is a directory', async () => {
    const { root } = await plant(EXPIRED);
    await rm(nodeFile(root, 'pki/apiserver.crt'));
    await mkdir(nodeFile(root, 'pki/apiserver.crt'));
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'pki/apiserver.crt');
  });

  it('when a certificate is a FIFO, without waiting for a writer', async () => {
    const { root } = await plant(EXPIRED);
    await rm(nodeFile(root, 'pki/apiserver.crt'));
    await run('mkfifo', [nodeFile(root, 'pki/apiserver.crt')]);
    const ended = await runCli(['recover', '--yes', '--json', '--root', root]);
    expect(ended.exitCode).toBe(4);
    expect(ended.stdout).toContain('pki/apiserver.crt');
  });

  it('when a key belongs to another certificate', async () => {
    const { root } = await plant({ ...EXPIRED, wrongKey: ['apiserver'] });
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'pki/apiserver.key');
  });

  it('when a CA key is missing', async () => {
    const { root } = await plant({ ...EXPIRED, missingCaKeys: ['etcd/ca'] });
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'etcd/ca');
  });

  it('when a CA has expired and its key is missing', async () => {
    const { root } = await plant({ expired: ['ca', 'apiserver'], missingCaKeys: ['ca'] });
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'pki/ca.crt');
  });

  it('when the clock is before the start of the CA validity', async () => {
    const { root } = await plant({ notYetValid: ['ca'] });
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'clock');
  });

  it.each([
    ['not YAML', 'clusters: [\n'],
    ['not a kubeconfig', 'apiVersion: v1\nkind: Config\n'],
    ['binary', '\u0000\u0001\u0002'],
  ])('when a kubeconfig is %s', async (_, text) => {
    const { root } = await plant(EXPIRED);
    await writeFile(nodeFile(root, 'scheduler.conf'), text);
    await expectRefusal(root, 'WORKFLOW_BLOCKED', 'scheduler.conf');
  });

  it.each([
    ['not YAML', 'kind: [Pod\n'],
    ['not a Pod', 'apiVersion: v1\nkind: Secret\n'],
    ['empty', ''],
  ])('when a manifest is %s', async (_, text) => {
    const { root } = await plant(EXPIRED);
    await writeFile(nodeFile(root, 'manifests/kube-scheduler.yaml'), text);
    await expectRefusal(root, 'MANIFEST_INVALID', 'kube-scheduler.yaml');
  });

  it('when another run holds the lock', async () => {
    const { root } = await plant(EXPIRED);
    const lock = path.join(root, 'var/lib/kube-rescue/lock');
    await mkdir(path.dirname(lock), { recursive: true });
    const holder = execFile('flock', ['--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 600']);
    cleanUps.push(async () => holder.kill('SIGKILL'));
    await once(holder.stdout ?? holder, 'data');
    await expectRefusal(root, 'HOST_LOCKED', 'lock');
  });

  it('when an earlier run was interrupted', async () => {
    const { root } = await plant(EXPIRED);
    const directory = path.join(root, 'var/lib/kube-rescue/runs/20260101T000000Z-abcd');
    await mkdir(directory, { recursive: true });
    const header = { type: 'run', version: 1, id: 'x', playbook: 'kubeadm', host: 'h', at: '2026-01-01T00:00:00Z' };
    await writeFile(path.join(directory, 'journal.jsonl'), `${JSON.stringify(header)}\n`);
    await expectRefusal(root, 'RUN_UNFINISHED', '20260101T000000Z-abcd');
  });
});

describe('on a real filesystem', () => {
  /** Moves a planted node into a separate tmpfs. */
  async function plantOnTmpfs(size: string): Promise<string> {
    if (process.getuid?.() !== 0) throw new Error('this test mounts a tmpfs and needs root');
    const { root } = await plant(EXPIRED);
    const mounted = `${root}-tmpfs`;
    await mkdir(mounted);
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mounted]);
    cleanUps.push(async () => {
      await run('umount', [mounted]);
      await rm(mounted, { recursive: true });
    });
    await run('cp', ['-a', `${root}/.`, mounted]);
    return mounted;
  }

  it('a read-only disk is refused before anything is written', async () => {
    const root = await plantOnTmpfs('8m');
    await run('mount', ['-o', 'remount,ro', root]);
    await expectRefusal(root, 'HOST_READ_ONLY', '/var/lib/kube-rescue');
  });

  it('a read-only /etc under a writable /var is refused before anything is written', async () => {
    const root = await plantOnTmpfs('8m');
    const etc = path.join(root, 'etc');
    await run('mount', ['--bind', etc, etc]);
    cleanUps.push(() => run('umount', [etc]));
    await run('mount', ['-o', 'remount,bind,ro', etc]);
    await expectRefusal(root, 'HOST_READ_ONLY', '/etc/kubernetes');
  });

  it('a full disk is refused before anything is written', async () => {
    const root = await plantOnTmpfs('4m');
    await run('dd', ['if=/dev/zero', `of=${root}/ballast`, 'bs=64k']).catch(() => undefined);
    await expectRefusal(root, 'HOST_NO_SPACE', 'kube-rescue');
  });

  it('running out of inodes at any write leaves every byte unchanged', async () => {
    // Disk space is checked beforehand, inodes are not, so the kernel returns ENOSPC in the middle of a run.
    const endings = new Set<number | null>();
    for (let spare = 0; spare <= 16; spare += 2) {
      const root = await plantOnTmpfs('8m');
      const used = await run('df', ['--output=iused', root]);
      await run('mount', ['-o', `remount,nr_inodes=${Number(used.stdout.split('\n')[1]) + spare}`, root]);
      const before = await fingerprint(path.join(root, 'etc'));
      const ended = await runCli(['recover', '--yes', '--json', '--root', root]);
      endings.add(ended.exitCode);
      if (ended.exitCode !== 0) expect(await fingerprint(path.join(root, 'etc'))).toEqual(before);
    }
    // Refused before the first write, failed and rolled back, and done with enough inodes: all three occur, and no other.
    expect([...endings].toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 4, 5]);
  });
});
