import { hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode, type FakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createBackupDirectory } from './backup-directory.ts';

const DIRECTORY = hostPath('/var/lib/kube-rescue/runs/one/backup');
const SECRET = Buffer.from('a private key');
const flip = async (data: Uint8Array): Promise<Uint8Array> => data.map((byte) => byte ^ 0xff);

async function makeHost(): Promise<FakeHost> {
  const host = createFakeHost({ tree: treeOf({}) });
  await host.makeDirectory(DIRECTORY, { mode: 0o700 });
  return host;
}

describe('a backup directory', () => {
  it('encrypts bytes, and reads its own bytes without the identity', async () => {
    const host = await makeHost();
    const directory = createBackupDirectory(host, DIRECTORY, { seal: flip });
    const name = await directory.keep(SECRET);
    expect(Buffer.from(await directory.read(name))).toEqual(SECRET);
    expect(await host.list(DIRECTORY)).toEqual([`${name}.sealed`]);
    expect(await host.stat(hostPath(`${DIRECTORY}/${name}.sealed`))).toMatchObject({ mode: 0o600 });
    expect(Buffer.from((await host.readFile(hostPath(`${DIRECTORY}/${name}.sealed`))) ?? []).includes(SECRET)).toBe(
      false,
    );
  });

  it('decrypts bytes of another process with the identity, and reports a missing or wrong identity', async () => {
    const host = await makeHost();
    const name = await createBackupDirectory(host, DIRECTORY, { seal: flip }).keep(SECRET);
    expect(Buffer.from(await createBackupDirectory(host, DIRECTORY, { unseal: flip }).read(name))).toEqual(SECRET);
    await createBackupDirectory(host, DIRECTORY, { unseal: flip }).assertOpens();
    await expectCode(createBackupDirectory(host, DIRECTORY, {}).assertOpens(), 'BACKUP_SEALED');
    await expectCode(createBackupDirectory(host, DIRECTORY, {}).read(name), 'BACKUP_SEALED');
    const wrong = createBackupDirectory(host, DIRECTORY, {
      unseal: () => Promise.reject(new Error('no identity matched')),
    });
    await expectCode(wrong.read(name), 'BACKUP_SEALED');
  });

  it('reads backups made before encryption was enabled', async () => {
    const host = await makeHost();
    const name = await createBackupDirectory(host, DIRECTORY, {}).keep(SECRET);
    expect(Buffer.from(await createBackupDirectory(host, DIRECTORY, { seal: flip }).read(name))).toEqual(SECRET);
    await expectCode(createBackupDirectory(host, DIRECTORY, {}).read('0'.repeat(64)), 'JOURNAL_CORRUPT');
    await expectCode(createBackupDirectory(host, DIRECTORY, {}).read('../../etc/shadow'), 'JOURNAL_CORRUPT');
  });

  it('writes the same bytes once, even concurrently, and retries after a failure', async () => {
    const host = await makeHost();
    const written: string[] = [];
    let isFull = true;
    const watched = {
      ...host,
      writeFile: async (...input: Parameters<typeof host.writeFile>) => {
        if (isFull) throw new Error('no space');
        written.push(input[0]);
        return host.writeFile(...input);
      },
    };
    const directory = createBackupDirectory(watched, DIRECTORY, {});
    await expect(directory.keep(SECRET)).rejects.toThrow('no space');
    isFull = false;
    const names = await Promise.all([directory.keep(SECRET), directory.keep(SECRET)]);
    expect(new Set(names).size).toBe(1);
    expect(written).toHaveLength(1);
  });

  it('reads no file outside its directory', async () => {
    const host = await makeHost();
    const seen: string[] = [];
    const watched = {
      ...host,
      readFile: (path: typeof DIRECTORY) => {
        seen.push(path);
        return host.readFile(path);
      },
    };
    await expectCode(
      createBackupDirectory(watched, DIRECTORY, {}).read('../../../../../etc/shadow'),
      'JOURNAL_CORRUPT',
    );
    expect(seen).toEqual([]);
  });
});
