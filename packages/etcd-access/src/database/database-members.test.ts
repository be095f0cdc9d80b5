import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, hostPath } from '@kube-rescue/host';
import { expectCode, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from './database-file.ts';
import { readDatabaseMembers } from './database-members.ts';

const host = createLocalHost();

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('the database of an etcd member', () => {
  let etcd: RunningEtcd;
  let copies: string;
  beforeAll(async () => {
    etcd = await startEtcd({ members: 3 });
    copies = await mkdtemp(path.join(tmpdir(), 'kube-rescue-database-'));
  });
  afterAll(async () => {
    await etcd.stop();
    await rm(copies, { recursive: true });
  });

  const databaseOf = (dataDir: string) => hostPath(path.join(dataDir, 'member/snap/db'));

  it('lists every member, with etcd running and with etcd killed, as etcdctl does', async () => {
    const listed = await etcd.etcdctl('member', 'list', '-w', 'simple');
    const [member] = etcd.members;
    // etcd commits to its database a moment later.
    await expect.poll(() => readDatabaseMembers(databaseOf(member.dataDir), { host })).toHaveLength(3);
    const running = await readDatabaseMembers(databaseOf(member.dataDir), { host });
    const lines = listed.trim().split('\n');
    expect(running).toHaveLength(3);
    for (const { id, name, peerUrls } of running ?? []) {
      expect(lines.some((line) => line.startsWith(`${id}, started, ${name}, ${peerUrls[0]}, `))).toBe(true);
    }
    await Promise.all(etcd.members.map((each) => each.stop()));
    expect(await readDatabaseMembers(databaseOf(member.dataDir), { host })).toEqual(running);
    await Promise.all(etcd.members.map((each) => each.start()));
  });

  it('shows a learner that never started, and the revision, in a tree of several levels', async () => {
    const single = await startEtcd();
    const snapshot = hostPath(path.join(copies, 'snapshot.db'));
    try {
      for (const at of Array.from({ length: 300 }, (_, index) => index)) {
        await single.etcdctl('put', `key-${at}`, 'x'.repeat(2000));
      }
      await single.etcdctl('member', 'add', 'late', '--learner', '--peer-urls=https://127.0.0.1:1');
      await single.etcdctl('snapshot', 'save', snapshot);
    } finally {
      await single.stop();
    }
    const members = await readDatabaseMembers(snapshot, { host });
    expect(members?.filter(({ isLearner }) => isLearner)).toMatchObject([
      { name: '', peerUrls: ['https://127.0.0.1:1'], clientUrls: [] },
    ]);
    const database = await openDatabase(snapshot, { host });
    let entries = 0;
    for await (const { key } of database?.entries('key') ?? []) entries += key.length === 17 ? 1 : 0;
    expect(entries).toBe(300);
    expect(Buffer.from((await database?.lastKey('key')) ?? []).readBigUInt64BE(0)).toBe(301n);
  });

  it('is refused when it is damaged, of another kind, or truncated; a missing one is no error', async () => {
    const file = hostPath(path.join(copies, 'damaged.db'));
    expect(await readDatabaseMembers(hostPath(path.join(copies, 'missing.db')), { host })).toBeUndefined();
    await writeFile(file, 'no database at all');
    await expectCode(readDatabaseMembers(file, { host }), 'ETCD_DATABASE_INVALID');
    await cp(databaseOf(etcd.members[0].dataDir), file);
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, 8192));
    await expectCode(readDatabaseMembers(file, { host }), 'ETCD_DATABASE_INVALID');
    await writeFile(file, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 0xff)]));
    await expectCode(readDatabaseMembers(file, { host }), 'ETCD_DATABASE_INVALID');
  });
});
