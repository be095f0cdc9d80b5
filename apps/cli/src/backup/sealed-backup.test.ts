import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlantedNode, plantNode, runCli } from '../cli-process.fixture.ts';

const CERTIFICATE = 'etc/kubernetes/pki/apiserver.crt';

let node: PlantedNode;
let localFiles: string;
let identity: string;
let recipient: string;

beforeAll(async () => {
  node = await plantNode({ expired: ['apiserver'] });
  localFiles = await mkdtemp(path.join(tmpdir(), 'kube-rescue-sealed-'));
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
  await writeFile(path.join(localFiles, 'key.txt'), `# made for a test\n${identity}\n`, { mode: 0o600 });
  await writeFile(path.join(localFiles, 'other.txt'), await generateIdentity(), { mode: 0o600 });
});

afterAll(async () => {
  await Promise.all([node.remove(), rm(localFiles, { recursive: true })]);
});

const readCertificate = (): Promise<string> => readFile(path.join(node.root, CERTIFICATE), 'utf8');

async function renew(...args: readonly string[]) {
  const ended = await runCli([
    'certs',
    'renew',
    'apiserver',
    '--new-keys',
    '--yes',
    '--json',
    '--root',
    node.root,
    ...args,
  ]);
  const { result } = JSON.parse(ended.stdout) as { result?: { runId: string } };
  return { ...ended, runId: result?.runId ?? '' };
}

describe('a backup for a recipient', () => {
  it('is encrypted, and only the identity decrypts it', async () => {
    const before = await readCertificate();
    const key = await readFile(path.join(node.root, 'etc/kubernetes/pki/apiserver.key'), 'utf8');
    const { exitCode, runId } = await renew('--backup-recipient', recipient);
    expect(exitCode).toBe(0);
    const run = path.join(node.root, 'var/lib/kube-rescue/runs', runId);
    const names = await readdir(path.join(run, 'backup'));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      const kept = await readFile(path.join(run, 'backup', name), 'latin1');
      expect(kept.startsWith('age-encryption.org/v1\n')).toBe(true);
      expect(kept).not.toContain(key.split('\n')[1]);
    }
    const rollback = (...args: readonly string[]) =>
      runCli(['rollback', runId, '--yes', '--force', '--root', node.root, ...args]);
    for (const args of [[], ['--backup-identity', path.join(localFiles, 'other.txt')]]) {
      const refused = await rollback(...args);
      expect([refused.exitCode, refused.stderr]).toEqual([4, expect.stringContaining('BACKUP_SEALED')]);
      expect(await readCertificate()).not.toBe(before);
    }
    expect((await rollback('--backup-identity', path.join(localFiles, 'key.txt'))).exitCode).toBe(0);
    expect(await readCertificate()).toBe(before);
  });

  it('is refused with an invalid key, which is not quoted', async () => {
    const refused = await renew('--backup-recipient', 'age1nonsense');
    expect([refused.exitCode, refused.stdout]).toEqual([2, expect.stringContaining('not an age key')]);
    await writeFile(path.join(localFiles, 'broken.txt'), `${identity.slice(0, -4)}\n`);
    const file = path.join(localFiles, 'broken.txt');
    const broken = await runCli(['rollback', 'x', '--yes', '--root', node.root, '--backup-identity', file]);
    expect(broken.exitCode).toBe(2);
    expect(broken.stdout + broken.stderr).not.toContain(identity.slice(0, 30));
  });
});
