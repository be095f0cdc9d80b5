import { randomBytes } from 'node:crypto';
import { createLocalHost, systemClock } from '@kube-rescue/host';
import { buildEtcdPki, expectCode, requireProgram, type RunningEtcd, startEtcd } from '@kube-rescue/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEtcd } from './open-etcd.ts';
import { type EtcdClient, type EtcdOptions } from './etcd-client.ts';
import type { KeyValue } from './kv.ts';

const hasEtcd = requireProgram('etcd', 'etcdctl');
const deps = { host: createLocalHost(), clock: systemClock };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

function connect(etcd: RunningEtcd, options: Partial<EtcdOptions> = {}): Promise<EtcdClient> {
  const tls = etcd.pki && { ca: etcd.pki.ca.certificate, client: etcd.pki.client };
  return openEtcd({ endpoints: etcd.endpoints, tls, ...options }, deps);
}

async function listed(client: EtcdClient, prefix: string): Promise<readonly KeyValue[]> {
  const all: KeyValue[] = [];
  for await (const { entries } of client.list(bytes(prefix))) all.push(...entries);
  return all;
}

describe.skipIf(!hasEtcd)('the keys of an etcd', () => {
  let etcd: RunningEtcd;
  let client: EtcdClient;
  beforeAll(async () => {
    etcd = await startEtcd({ arguments: ['--max-request-bytes=1572864'] });
    client = await connect(etcd);
  });
  afterAll(async () => {
    client.close();
    await etcd.stop();
  });

  it('match the output of etcdctl', async () => {
    await etcd.etcdctl('put', '/a/1', 'one');
    const found = await client.get(bytes('/a/1'));
    expect(found).toMatchObject({ version: 1n, lease: 0n });
    expect([text(found?.key), text(found?.value)]).toEqual(['/a/1', 'one']);
    expect(await client.get(bytes('/a/none'))).toBeUndefined();
  });

  it('are created only when missing, and changed only at the revision that was read', async () => {
    const key = bytes('/swap');
    const made = await client.compareAndSwap({ key, modRevision: 0n, value: bytes('1') });
    expect(made).toMatchObject({ succeeded: true, current: undefined });
    const again = await client.compareAndSwap({ key, modRevision: 0n, value: bytes('2') });
    expect([again.succeeded, text(again.current?.value)]).toEqual([false, '1']);
    const changed = await client.compareAndSwap({ key, modRevision: made.revision, value: bytes('2') });
    expect(changed.succeeded).toBe(true);
    expect((await client.get(key))?.modRevision).toBe(changed.revision);
    expect((await client.compareAndDelete({ key, modRevision: made.revision })).succeeded).toBe(false);
    expect((await client.compareAndDelete({ key, modRevision: changed.revision })).succeeded).toBe(true);
    expect(await client.get(key)).toBeUndefined();
    const late = await client.compareAndSwap({ key, modRevision: changed.revision, value: bytes('3') });
    expect(late).toMatchObject({ succeeded: false, current: undefined });
  });

  it('keep their lease when they are changed', async () => {
    const lease = /lease (\w+) granted/.exec(await etcd.etcdctl('lease', 'grant', '600'))?.[1] ?? '';
    await etcd.etcdctl('put', '/leased', 'old', `--lease=${lease}`);
    const modRevision = (await client.get(bytes('/leased')))?.modRevision ?? 0n;
    await client.compareAndSwap({ key: bytes('/leased'), modRevision, value: bytes('new') });
    expect((await client.get(bytes('/leased')))?.lease.toString(16)).toBe(lease.replace(/^0+/, ''));
  });

  it('lose no increment among eight writers', async () => {
    const key = bytes('/counter');
    const increment = async (): Promise<void> => {
      const found = await client.get(key);
      const value = bytes(String(Number(text(found?.value)) + 1));
      const { succeeded } = await client.compareAndSwap({ key, modRevision: found?.modRevision ?? 0n, value });
      if (!succeeded) await increment();
    };
    const writer = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1) await increment();
    };
    await Promise.all(Array.from({ length: 8 }, writer));
    expect(text((await client.get(key))?.value)).toBe('80');
  });

  it.each(['../../etc/passwd', 'nul\0byte', '\xff\xfe', 'line\nfeed', ' ', '{}', '\u202e'])(
    'may have any bytes: %j',
    async (name) => {
      const key = Uint8Array.from([...bytes('/hostile/'), ...bytes(name)]);
      await client.compareAndSwap({ key, modRevision: 0n, value: key });
      expect((await client.get(key))?.value).toEqual(key);
      expect((await listed(client, '/hostile/')).map((each) => text(each.key))).toContain(text(key));
    },
  );

  it('are listed in order and from one revision despite concurrent writes', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `/list/${String(index).padStart(5, '0')}`);
    await inParallel(names, (name) => client.compareAndSwap({ key: bytes(name), modRevision: 0n, value: bytes(name) }));
    const seen: string[] = [];
    const totals = new Set<bigint>();
    const revisions = new Set<bigint>();
    for await (const { entries, total, revision } of client.list(bytes('/list/'))) {
      if (seen.length === 0)
        await client.compareAndSwap({ key: bytes('/list/04999+'), modRevision: 0n, value: bytes('') });
      seen.push(...entries.map(({ key }) => text(key)));
      totals.add(total);
      revisions.add(revision);
    }
    expect(seen).toEqual(names);
    expect([...totals]).toEqual([5000n]);
    expect(revisions.size).toBe(1);
    expect(await listed(client, '/list/')).toHaveLength(5001);
  });

  it('are listed when there are none, and when there is one', async () => {
    expect(await listed(client, '/none/')).toEqual([]);
    await etcd.etcdctl('put', '/one/1', 'x');
    expect(await listed(client, '/one/')).toHaveLength(1);
    expect((await listed(client, '')).length).toBeGreaterThan(1);
  });

  it('are listed in batches of limited size when their values are large', async () => {
    const value = randomBytes(1_400_000);
    const names = Array.from({ length: 60 }, (_, index) => `/large/${index}`);
    for (const name of names) await client.compareAndSwap({ key: bytes(name), modRevision: 0n, value });
    let largest = 0;
    let count = 0;
    for await (const { entries } of client.list(bytes('/large/'))) {
      largest = Math.max(
        largest,
        entries.reduce((sum, each) => sum + each.value.length, 0),
      );
      count += entries.length;
    }
    expect(count).toBe(60);
    expect(largest).toBeLessThanOrEqual(32 * 1024 * 1024);
  });

  it('refuse a value of more than 1.5 MiB', async () => {
    const write = client.compareAndSwap({ key: bytes('/huge'), modRevision: 0n, value: new Uint8Array(1_600_000) });
    await expectCode(write, 'ETCD_TOO_LARGE');
    const larger = client.compareAndSwap({ key: bytes('/huge'), modRevision: 0n, value: new Uint8Array(8_000_000) });
    await expectCode(larger, 'ETCD_TOO_LARGE');
    expect(await client.get(bytes('/huge'))).toBeUndefined();
  });

  it('cannot be read at a compacted revision', async () => {
    const first = (await client.get(bytes('/counter')))?.createRevision ?? 0n;
    const { revision } = await client.range({ start: bytes('/counter') });
    await etcd.etcdctl('compact', String(revision));
    await expectCode(client.get(bytes('/counter'), { revision: first }), 'ETCD_COMPACTED');
    const listing = client.list(bytes('/list/'), { revision: first });
    await expectCode(Array.fromAsync(listing), 'ETCD_COMPACTED');
  });

  it('are read no further when the reader stops or is interrupted', async () => {
    for await (const { entries } of client.list(bytes('/list/'))) {
      expect(entries.length).toBeGreaterThan(0);
      break;
    }
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const read = async (): Promise<void> => {
      for await (const batch of client.list(bytes('/list/'), { signal: interrupt.signal })) {
        expect(batch.total).toBe(5001n);
        interrupt.abort(reason);
      }
    };
    await expect(read()).rejects.toBe(reason);
    expect(await client.get(bytes('/counter'))).toBeDefined();
  });
});

describe.skipIf(!hasEtcd)('an etcd in trouble', () => {
  it('with a NOSPACE alarm reports it, and still serves reads', async () => {
    const etcd = await startEtcd({ arguments: ['--quota-backend-bytes=2097152'] });
    const client = await connect(etcd);
    const fill = async (): Promise<void> => {
      for (let index = 0; ; index += 1) {
        await client.compareAndSwap({ key: bytes(`/${index}`), modRevision: 0n, value: randomBytes(500_000) });
      }
    };
    await expectCode(fill(), 'ETCD_NO_SPACE');
    expect(await client.get(bytes('/0'))).toBeDefined();
    expect(await client.alarms()).toMatchObject([{ kind: 'NOSPACE' }]);
    client.close();
    await etcd.stop();
  });

  it('with an expired certificate is read when expired servers are accepted', async () => {
    const etcd = await startEtcd({ pki: await buildEtcdPki({ expiredServer: true }) });
    await expectCode(connect(etcd), 'ETCD_SERVER_EXPIRED');
    const { ca, client: pair } = etcd.pki ?? (await buildEtcdPki());
    const client = await connect(etcd, { tls: { ca: ca.certificate, client: pair, acceptExpiredServer: true } });
    await client.compareAndSwap({ key: bytes('/a'), modRevision: 0n, value: bytes('b') });
    expect(text((await client.get(bytes('/a')))?.value)).toBe('b');
    client.close();
    await etcd.stop();
  });

  it('refuses a client without a certificate, with an expired one and with one of another CA', async () => {
    const pki = await buildEtcdPki({ expiredClient: true });
    const etcd = await startEtcd({ pki });
    const other = await buildEtcdPki();
    const ca = pki.ca.certificate;
    for (const client of [undefined, pki.client, other.client]) {
      const refused = connect(etcd, { tls: { ca, client } });
      await expect(refused).rejects.toMatchObject({
        code: 'ETCD_CLIENT_REJECTED',
        message: expect.stringContaining(client === undefined ? 'none was given' : 'rejected the client') as string,
      });
    }
    await etcd.stop();
  });

  it('is opened with endpoints and certificates alone', async () => {
    const etcd = await startEtcd();
    const { ca, client: pair } = etcd.pki ?? (await buildEtcdPki());
    const client = await openEtcd({ endpoints: etcd.endpoints, tls: { ca: ca.certificate, client: pair } });
    expect(await client.members()).toHaveLength(1);
    client.close();
    await etcd.stop();
  });

  it.each([
    ['the names of Node', { ca: 'x', cert: 'y', key: 'z' }, 'unknown fields: cert, key'],
    ['other names of the client', { ca: 'x', client: { cert: 'y', key: 'z' } }, 'unknown fields: cert'],
    ['no key', { ca: 'x', client: { certificate: 'y' } }, 'not a text: client.key'],
    ['bytes', { ca: Buffer.from('x') }, 'not a text: ca'],
  ])('is not asked with a tls option of another shape: %s', async (_title, tls, message) => {
    const options = { endpoints: ['https://127.0.0.1:1'], tls: tls as unknown as EtcdOptions['tls'] };
    await expect(openEtcd(options)).rejects.toMatchObject({
      code: 'ETCD_CREDENTIALS_INVALID',
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining('{ ca, client: { certificate, key } }') as string,
    });
  });

  it('that restarts is used again by the same client', async () => {
    const etcd = await startEtcd();
    const client = await connect(etcd);
    await client.compareAndSwap({ key: bytes('/a'), modRevision: 0n, value: bytes('1') });
    await etcd.members[0].stop();
    await expectCode(client.get(bytes('/a')), 'ETCD_UNREACHABLE');
    await etcd.members[0].start();
    expect(text((await client.get(bytes('/a')))?.value)).toBe('1');
    client.close();
    await etcd.stop();
  });
});

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
