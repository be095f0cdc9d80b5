import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalHost, type HostPath, hostPath, systemClock } from '@kube-rescue/host';
import {
  createFakeHost,
  expectCode,
  requireProgram,
  type RunningEtcd,
  runSnapshotCommand,
  startEtcd,
} from '@kube-rescue/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEtcd } from './open-etcd.ts';
import { type EtcdClient } from './etcd-client.ts';
import type { MemberStatus } from './member.ts';
import { saveSnapshot } from './snapshot.ts';

const host = createLocalHost();
const ENDPOINT = 'https://127.0.0.1:2379';

describe.skipIf(!requireProgram('etcd', 'etcdctl'))('a snapshot of etcd', () => {
  let etcd: RunningEtcd;
  let client: EtcdClient;
  let directory: string;
  let target: HostPath;
  beforeAll(async () => {
    etcd = await startEtcd();
    const tls = { ca: etcd.pki?.ca.certificate ?? '', client: etcd.pki?.client };
    client = await openEtcd({ endpoints: etcd.endpoints, tls }, { host, clock: systemClock });
    for (let index = 0; index < 200; index += 1) {
      const key = new TextEncoder().encode(`/registry/secrets/default/${index}`);
      await client.compareAndSwap({ key, modRevision: 0n, value: randomBytes(20_000) });
    }
  });
  afterAll(async () => {
    client.close();
    await etcd.stop();
  });
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kube-rescue-snapshot-'));
    target = hostPath(path.join(directory, 'etcd.db'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it("is restored by etcd's own tool, and etcd started from it has every key", async () => {
    const progress: number[] = [];
    const saved = await saveSnapshot({ target, onProgress: ({ bytes }) => progress.push(bytes) }, { client, host });
    const { revision } = await client.range({ start: new TextEncoder().encode('/') });
    expect(saved).toMatchObject({ path: target, revision, endpoint: etcd.endpoints[0] });
    const content = await readFile(target);
    expect(saved).toMatchObject({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    expect(progress.at(-1)).toBe(content.length);
    expect((await stat(target)).mode & 0o777).toBe(0o600);

    const dataDir = path.join(directory, 'restored');
    await runSnapshotCommand('restore', target, `--data-dir=${dataDir}`);
    const restored = await startEtcd({ pki: false, dataDir, arguments: ['--force-new-cluster'] });
    const read = (from: RunningEtcd): Promise<string> =>
      from.etcdctl('get', '--prefix', '/registry/', '--write-out=json');
    const keys = (json: string): unknown => (JSON.parse(json) as { kvs: unknown }).kvs;
    expect(keys(await read(restored))).toEqual(keys(await read(etcd)));
    await restored.stop();
  });

  it('is encrypted before it is on disk, and complete when decrypted', async () => {
    const [key, iv] = [randomBytes(32), randomBytes(16)];
    const seal = {
      suffix: '.sealed',
      seal: async function* (pieces: AsyncIterable<Uint8Array>) {
        const cipher = createCipheriv('aes-256-ctr', key, iv);
        for await (const piece of pieces) yield cipher.update(piece);
        yield cipher.final();
      },
    };
    // Every file in the directory at any moment, including the unfinished one.
    let looks = 0;
    const findPlain = (): readonly string[] =>
      readdirSync(directory).filter((name) => {
        const content = readFileSync(path.join(directory, name));
        looks += content.length > 0 ? 1 : 0;
        return content.includes('/registry/secrets/');
      });
    const plain = hostPath(path.join(directory, 'plain.db'));
    await saveSnapshot({ target: plain }, { client, host });
    expect(findPlain()).toEqual(['plain.db']);
    await rm(plain);

    looks = 0;
    const seen: string[] = [];
    const onProgress = (): void => void seen.push(...findPlain());
    const saved = await saveSnapshot({ target, seal, onProgress }, { client, host });
    expect([...seen, ...findPlain()]).toEqual([]);
    expect(looks, 'it was read during the write').toBeGreaterThan(1);
    const sealed = await readFile(target);
    expect(saved).toMatchObject({ path: target, bytes: sealed.length });
    expect((await stat(target)).mode & 0o777).toBe(0o600);

    const opened = createDecipheriv('aes-256-ctr', key, iv).update(sealed);
    expect(createHash('sha256').update(opened).digest('hex')).toBe(saved.sha256);
    await writeFile(plain, opened);
    const status = await runSnapshotCommand('status', plain, '--write-out=json');
    expect(JSON.parse(status)).toMatchObject({ revision: Number(saved.revision) });
    await runSnapshotCommand('restore', plain, `--data-dir=${path.join(directory, 'restored')}`);
  });

  it('never overwrites a file', async () => {
    await writeFile(target, 'yesterday');
    await expectCode(saveSnapshot({ target }, { client, host }), 'ETCD_SNAPSHOT_TARGET_EXISTS');
    expect(await readFile(target, 'utf8')).toBe('yesterday');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const save = saveSnapshot(
      { target, signal: interrupt.signal, onProgress: () => interrupt.abort(reason) },
      { client, host },
    );
    await expect(save).rejects.toBe(reason);
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not start without enough disk space', async () => {
    const full = createFakeHost({ freeBytes: 1000 });
    const refused = await expectCode(
      saveSnapshot({ target: hostPath('/etcd.db') }, { client, host: full }),
      'ETCD_SNAPSHOT_NO_SPACE',
    );
    expect(refused.message).toContain('1000 are free');
    expect(full.mutations).toEqual([]);
  });
});

describe('a snapshot that arrives damaged', () => {
  const status: MemberStatus = {
    ...{ id: 'a', version: '3.4.23', leader: 'a', raftTerm: 1n, raftIndex: 1n, raftAppliedIndex: 1n, revision: 7n },
    ...{ dbSize: 1024, dbSizeInUse: 1024, isLearner: false, errors: [] },
  };
  const database = randomBytes(2048);
  const digest = createHash('sha256').update(database).digest();
  const whole = Buffer.concat([database, digest]);
  const arriving = (bytes: Uint8Array) => ({
    endpoints: [ENDPOINT],
    status: async () => status,
    snapshot: async function* () {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    },
  });
  const save = async (bytes: Uint8Array) => {
    const fake = createFakeHost();
    const target = hostPath('/etcd.db');
    const saved = saveSnapshot({ target }, { client: arriving(bytes), host: fake });
    await saved.catch(() => undefined);
    return { saved, left: await fake.list(hostPath('/')) };
  };

  it.each([
    ['nothing', new Uint8Array()],
    ['the digest alone', digest],
    ['no digest', database],
    ['a truncated end', whole.subarray(0, -1)],
    ['a sector less', Buffer.concat([database.subarray(512), digest])],
    ['a flipped bit', Buffer.concat([Buffer.from([database[0]! ^ 1]), whole.subarray(1)])],
    ['another digest', Buffer.concat([database, randomBytes(32)])],
  ])('with %s is not called a backup', async (_, bytes) => {
    const { saved, left } = await save(bytes);
    await expectCode(saved, 'ETCD_SNAPSHOT_INVALID');
    expect(left).toEqual([]);
  });

  it('is distinguished from a complete one', async () => {
    const { saved, left } = await save(whole);
    expect(await saved).toMatchObject({ bytes: whole.length, revision: 7n });
    expect(left).toEqual(['etcd.db']);
  });

  it('is not saved when the operator interrupts it after its last byte has arrived', async () => {
    const fake = createFakeHost();
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const saved = saveSnapshot(
      { target: hostPath('/etcd.db'), signal: interrupt.signal, onProgress: () => interrupt.abort(reason) },
      { client: arriving(whole), host: fake },
    );
    await expect(saved).rejects.toBe(reason);
    expect(await fake.list(hostPath('/'))).toEqual([]);
  });
});
