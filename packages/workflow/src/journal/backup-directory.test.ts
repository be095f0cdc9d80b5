import { hostPath } from '@kube-rescue/host';
import { createFakeHost, expectCode, type FakeHost, treeOf } from '@kube-rescue/testing';
import { describe, expect, it } from 'vitest';
import { createBackupDirectory } from './backup-directory.ts';

const FOLDER = hostPath('/var/lib/kube-rescue/runs/one/backup');
const SECRET = Buffer.from('a private key');
const flip = async (data: Uint8Array): Promise<Uint8Array> => data.map((byte) => byte ^ 0xff);

async function makeHost(): Promise<FakeHost> {
  const host = createFakeHost({ tree: treeOf({}) });
  await host.makeDirectory(FOLDER, { mode: 0o700 });
  return host;
}

describe('a backup folder', () => {
  it('keeps bytes sealed, and takes back what it has kept itself without the identity', async () => {
    const host = await makeHost();
    const folder = createBackupDirectory(host, FOLDER, { seal: flip });
    const name = await folder.keep(SECRET);
    expect(Buffer.from(await folder.read(name))).toEqual(SECRET);
    expect(await host.list(FOLDER)).toEqual([`${name}.sealed`]);
    expect(await host.stat(hostPath(`${FOLDER}/${name}.sealed`))).toMatchObject({ mode: 0o600 });
    expect(Buffer.from((await host.readFile(hostPath(`${FOLDER}/${name}.sealed`))) ?? []).includes(SECRET)).toBe(false);
  });

  it('opens with the identity what another process has sealed, and says so when there is none or it is wrong', async () => {
    const host = await makeHost();
    const name = await createBackupDirectory(host, FOLDER, { seal: flip }).keep(SECRET);
    expect(Buffer.from(await createBackupDirectory(host, FOLDER, { unseal: flip }).read(name))).toEqual(SECRET);
    await createBackupDirectory(host, FOLDER, { unseal: flip }).assertOpens();
    await expectCode(createBackupDirectory(host, FOLDER, {}).assertOpens(), 'BACKUP_SEALED');
    await expectCode(createBackupDirectory(host, FOLDER, {}).read(name), 'BACKUP_SEALED');
    const wrong = createBackupDirectory(host, FOLDER, {
      unseal: () => Promise.reject(new Error('no identity matched')),
    });
    await expectCode(wrong.read(name), 'BACKUP_SEALED');
  });

  it('reads what was kept before there was a seal', async () => {
    const host = await makeHost();
    const name = await createBackupDirectory(host, FOLDER, {}).keep(SECRET);
    expect(Buffer.from(await createBackupDirectory(host, FOLDER, { seal: flip }).read(name))).toEqual(SECRET);
    await expectCode(createBackupDirectory(host, FOLDER, {}).read('0'.repeat(64)), 'JOURNAL_CORRUPT');
    await expectCode(createBackupDirectory(host, FOLDER, {}).read('../../etc/shadow'), 'JOURNAL_CORRUPT');
  });

  it('writes the same bytes once, also when they are kept at the same moment, and again after a failure', async () => {
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
    const folder = createBackupDirectory(watched, FOLDER, {});
    await expect(folder.keep(SECRET)).rejects.toThrow('no space');
    isFull = false;
    const names = await Promise.all([folder.keep(SECRET), folder.keep(SECRET)]);
    expect(new Set(names).size).toBe(1);
    expect(written).toHaveLength(1);
  });

  it('does not even look at a file outside of it', async () => {
    const host = await makeHost();
    const seen: string[] = [];
    const watched = {
      ...host,
      readFile: (path: typeof FOLDER) => {
        seen.push(path);
        return host.readFile(path);
      },
    };
    await expectCode(createBackupDirectory(watched, FOLDER, {}).read('../../../../../etc/shadow'), 'JOURNAL_CORRUPT');
    expect(seen).toEqual([]);
  });
});
